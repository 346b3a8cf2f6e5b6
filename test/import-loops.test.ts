/** No file imports itself through others, not even for a type: each file can be read after the files it imports. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { filesUnder, importsOf, type SourceFile } from './support/sources.ts';

/** Each loop as the way from a file back to itself. One way for each file that a walk finds open again. */
function loopsIn(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map(file => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const loops: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) loops.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (done.has(file) || way.includes(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return loops;
}

const file = (path: string, ...imports: string[]): SourceFile => ({
  path,
  text: imports.map(name => `import { x } from './${name}.ts';\n`).join(''),
});

test('no file imports itself through others', () => {
  assert.equal(loopsIn(['controller', 'agent', 'bench', 'demo', 'scripts'].flatMap(filesUnder)), []);
});

test('an import cycle is found, also behind a file outside of it, and for types only', () => {
  assert.equal(loopsIn([file('a/x.ts', 'y'), file('a/y.ts', 'z'), file('a/z.ts', 'y')]), [
    'a/y.ts → a/z.ts → a/y.ts',
  ]);
  const typeOnly = { path: 'a/t.ts', text: "import type { T } from './t.ts';" };
  assert.equal(loopsIn([typeOnly]), ['a/t.ts → a/t.ts']);
  assert.equal(loopsIn([file('a/x.ts', 'y', 'z'), file('a/y.ts', 'z'), file('a/z.ts')]), []);
});

test.run();
