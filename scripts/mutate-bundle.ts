/**
 * The tests of an area as one program that is built once, for `scripts/mutate.ts`: a mutant then costs a start of Node and
 * the tests themselves, and no compiler. Usage: mutate-bundle.ts OUTFILE TEST…, where TEST begins the name of files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';

const [outfile = '', ...wanted] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '..');
const tests = readdirSync(path.join(root, 'test'), { recursive: true })
  .map(name => path.posix.join('test', String(name)))
  .filter(name => name.endsWith('.test.ts') && wanted.some(start => name.startsWith(start)))
  .sort();

/** Keeps each file's own path known to it. */
const inPlace: Plugin = {
  name: 'in place',
  setup: bundling => {
    bundling.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path: file }) => {
      if (file.includes('node_modules')) return undefined;
      const text = readFileSync(file, 'utf8')
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)))
        .replaceAll('import.meta.filename', JSON.stringify(file))
        .replaceAll('import.meta.url', JSON.stringify(`file://${file}`));
      return { contents: text, loader: 'ts', resolveDir: path.dirname(file) };
    });
  },
};

/** A mutant is killed by the first failed test, so the rest need not run. */
const endsAtFailure = `
if (process.env.__STRYKER_ACTIVE_MUTANT__ !== undefined) {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = text => (String(text).includes('✘') ? process.exit(1) : write(text));
}`;

await build({
  absWorkingDir: root,
  stdin: { contents: tests.map(file => `import './${file}';`).join('\n'), resolveDir: root, loader: 'ts' },
  outfile,
  banner: { js: endsAtFailure },
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  plugins: [inPlace],
  logLevel: 'warning',
});
