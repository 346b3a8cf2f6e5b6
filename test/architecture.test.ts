/** Holds the arrows and invariants of ARCHITECTURE.md for every source file, and shows that each rule can fail. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = path.resolve(import.meta.dirname, '..');

interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const filesUnder = (folder: string): SourceFile[] =>
  readdirSync(path.join(root, folder), { recursive: true })
    .map(name => `${folder}/${String(name).replaceAll(path.sep, '/')}`)
    .filter(name => name.endsWith('.ts'))
    .map(name => ({ path: name, text: readFileSync(path.join(root, name), 'utf8') }));

const all = [...filesUnder('controller'), ...filesUnder('agent')];

/** The text without comments; with `strings: false` also without quoted strings. Lines stay where they are. */
function codeOf(text: string, { strings }: { strings: boolean }): string {
  const token = /\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return text.replace(token, found =>
    found.startsWith('/') || !strings ? found.replace(/[^\n]/g, ' ') : found,
  );
}

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g;

/** What a file imports: paths from the root for relative imports, package names as they are. */
const importsOf = ({ path: from, text }: SourceFile): string[] =>
  [...codeOf(text, { strings: true }).matchAll(IMPORT)].map(([, to = '']) =>
    to.startsWith('.') ? path.posix.join(path.posix.dirname(from), to) : to,
  );

// ---------------------------------------------------------------- who imports whom

const ADAPTERS = ['source', 'store', 'artifacts', 'http', 'push', 'github', 'dashboard'];
const PORTS = 'controller/ports.ts';
const DOMAIN = 'controller/domain/';
const APK = 'controller/apk/';

/** Arrows beside the general ones, each with its reason. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  // Reads an APK on disk and finds a ramp's start just as the controller does: both work on what they are given.
  cli: ['controller/artifacts/file-reader.ts', 'controller/source/ramp-start.ts'],
};

/** The composition root: what wires parts may import any of them. */
const wires = (file: string): boolean =>
  path.posix.basename(file) === 'main.ts' || /^controller\/compose(-[a-z]+)?\.ts$/.test(file);

/** Path prefixes of this repository that a file may import; undefined: all. */
function mayImport(file: string): readonly string[] | undefined {
  if (wires(file)) return undefined;
  if (file.startsWith('agent/')) return ['agent/', DOMAIN, APK];
  const folder = file.split('/').length > 2 ? (file.split('/')[1] ?? '') : '';
  const own = `controller/${folder}/`;
  if (folder === 'domain') return [own];
  if (folder === 'apk') return [own, DOMAIN];
  if (folder === 'cli') return [own, DOMAIN, APK, PORTS, 'controller/source/', ...(ALSO.cli ?? [])];
  if (ADAPTERS.includes(folder)) return [own, DOMAIN, APK, PORTS, 'schemas/'];
  return folder === '' ? [DOMAIN, APK] : [];
}

const isShell = (file: string): boolean => /^controller\/[^/]+\.ts$/.test(file);

const isAllowed = (file: string, to: string): boolean => {
  const allowed = mayImport(file);
  if (allowed === undefined || allowed.some(prefix => to.startsWith(prefix))) return true;
  return isShell(file) && isShell(to) && !wires(to);
};

function wrongArrows(file: SourceFile): string[] {
  const imports = importsOf(file);
  const inside = imports.filter(to => /^(controller|agent|test|demo|bench|scripts|schemas)\//.test(to));
  const wrong = inside.filter(to => !isAllowed(file.path, to));
  const pure = file.path.startsWith(DOMAIN) || file.path.startsWith(APK);
  const packages = imports.filter(to => !inside.includes(to));
  if (pure) wrong.push(...packages.filter(to => to !== 'node:crypto' && to !== 'node:zlib'));
  return wrong.map(to => `${file.path} imports ${to}`);
}

test('every import follows the arrows', () => {
  assert.equal(all.flatMap(wrongArrows), []);
});

test('every folder of the controller is one the arrows know', () => {
  const known = new Set(['domain', 'apk', 'cli', ...ADAPTERS]);
  const folders = readdirSync(path.join(root, 'controller'), { withFileTypes: true });
  assert.equal(
    folders.filter(f => f.isDirectory() && !known.has(f.name)).map(f => f.name),
    [],
  );
});

// ---------------------------------------------------------------- what a file may not say

interface Rule {
  readonly name: string;
  readonly applies: (file: string) => boolean;
  readonly found: (file: SourceFile) => boolean;
  /** Something that breaks it. */
  readonly broken: SourceFile;
}

const says =
  (pattern: RegExp) =>
  ({ text }: SourceFile): boolean =>
    pattern.test(codeOf(text, { strings: false }));
const isPure = (file: string): boolean => file.startsWith(DOMAIN) || file.startsWith(APK);
const readsSettings = (file: string): boolean => ['main.ts', 'config.ts'].includes(path.posix.basename(file));
const POOR_NAME = /(?:^|[a-z_-])(utils?|helpers?|managers?|services?)$/i;
/** Android's own word for what installs packages. */
const ANDROID = /package-?managers?$/i;
const isPoor = (name: string): boolean => POOR_NAME.test(name) && !ANDROID.test(name);
const DECLARED = /\b(?:class|interface|type|function|const|let)\s+([A-Za-z_$][\w$]*)/g;
const any = (): boolean => true;

const RULES: readonly Rule[] = [
  {
    name: 'domain and apk read no clock',
    applies: isPure,
    found: says(/\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b|\bset(Timeout|Interval|Immediate)\b/),
    broken: { path: 'controller/domain/x.ts', text: 'const ms = Date.now();' },
  },
  {
    name: 'domain and apk draw no random number',
    applies: isPure,
    found: says(/\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bgetRandomValues\b/),
    broken: { path: 'controller/apk/x.ts', text: 'const n = Math.random();' },
  },
  {
    name: 'domain and apk touch neither process nor network',
    applies: isPure,
    found: says(/\bprocess\b(?!-)|\bglobalThis\b|\bfetch\(|\bconsole\b/),
    broken: { path: 'controller/domain/x.ts', text: 'if (process.platform) f();' },
  },
  {
    name: 'only main.ts and config.ts read the environment',
    applies: file => !readsSettings(file),
    found: says(/\bprocess\s*\??\.\s*env\b|\bprocess\[/),
    broken: { path: 'controller/http/app.ts', text: 'const port = process.env.PORT;' },
  },
  {
    name: 'nothing is any',
    applies: any,
    found: says(/:\s*any\b|<\s*any\b|\|\s*any\b|\bas any\b|\bany\[\]/),
    broken: { path: 'controller/x.ts', text: 'interface A { field: any }\nconst f = (x: any) => x;' },
  },
  {
    name: 'the type checker is not silenced',
    applies: any,
    found: ({ text }) => /@ts-(ignore|nocheck|expect-error)/.test(text),
    broken: { path: 'agent/x.ts', text: '// @ts-ignore\nconst a: string = 1;' },
  },
  {
    name: 'no catch swallows what it caught',
    applies: any,
    found: says(/\bcatch\s*(\([^)]*\)\s*)?\{\s*\}/),
    broken: { path: 'agent/x.ts', text: 'try { f(); } catch {}' },
  },
  {
    name: 'no file is named utils, helpers, manager or service',
    applies: any,
    found: ({ path: file }) => file.split('/').some(part => isPoor(part.replace(/\.ts$/, ''))),
    broken: { path: 'controller/http/response-utils.ts', text: '' },
  },
  {
    name: 'no symbol is named utils, helpers, manager or service',
    applies: any,
    found: ({ text }) =>
      [...codeOf(text, { strings: false }).matchAll(DECLARED)].some(([, name = '']) => isPoor(name)),
    broken: { path: 'controller/http/x.ts', text: 'export class DeviceManager {}' },
  },
  {
    name: 'no file is over 300 lines',
    // The ports are a list of interfaces without code: one place to look up what a part may ask of another.
    applies: file => file !== PORTS,
    found: ({ text }) => text.trimEnd().split('\n').length > 300,
    broken: { path: 'controller/x.ts', text: 'a\n'.repeat(301) },
  },
];

for (const rule of RULES) {
  test(rule.name, () => {
    assert.equal(
      all.filter(f => rule.applies(f.path) && rule.found(f)).map(f => f.path),
      [],
    );
  });

  test(`a file that breaks it is found: ${rule.name}`, () => {
    assert.ok(rule.applies(rule.broken.path) && rule.found(rule.broken));
  });
}

// ---------------------------------------------------------------- the rules themselves

const breaks = (file: string, text: string): number => wrongArrows({ path: file, text }).length;

test('a wrong arrow is found, in each form of import', () => {
  const adapter = 'controller/http/app.ts';
  assert.is(breaks(adapter, "import { x } from '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "import type { X } from '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "export * from '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "import '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "const x = await import('../store/db.ts');"), 1);
  assert.is(breaks(adapter, "import {\n  x,\n} from '../reconcile.ts';"), 1);
  assert.is(breaks(adapter, "// from '../store/db.ts'\nimport x from '../ports.ts';"), 0);
  assert.is(breaks('controller/domain/x.ts', "import { readFileSync } from 'node:fs';"), 1);
  assert.is(breaks('controller/domain/x.ts', "import type { Port } from '../ports.ts';"), 1);
  assert.is(breaks('controller/domain/plan/x.ts', "import { x } from '../cohort.ts';"), 0);
  assert.is(breaks('controller/apk/x.ts', "import yaml from 'yaml';"), 1);
  assert.is(breaks('controller/reconcile/loop.ts', "import { x } from './store/db.ts';"), 1);
  assert.is(breaks('controller/reconcile/loop.ts', "import { x } from './compose.ts';"), 1);
  assert.is(breaks('controller/reconcile/loop.ts', "import { x } from './wake.ts';"), 0);
  assert.is(breaks('controller/compose/controller.ts', "import { x } from './store/db.ts';"), 0);
  assert.is(breaks('controller/cli/plan.ts', "import { x } from '../source/parse.ts';"), 0);
  assert.is(breaks('controller/cli/plan.ts', "import { x } from '../http/app.ts';"), 1);
  assert.is(breaks('agent/step.ts', "import { x } from '../controller/http/app.ts';"), 1);
  assert.is(breaks('agent/adb/x.ts', "import { x } from '../../controller/apk/index.ts';"), 0);
  assert.is(breaks('agent/step.ts', "import { x } from './support/state.ts';"), 1);
});

test('a word in a comment or a string breaks nothing', () => {
  const clock = RULES[0];
  const text = "/** Never Date.now here. */\nconst hint = 'Date.now'; // new Date()\nconst at = new Date(5);";
  assert.is(clock?.found({ path: 'controller/domain/x.ts', text }), false);
});

test('ARCHITECTURE.md names every folder', () => {
  const written = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');
  const ignored = readFileSync(path.join(root, '.gitignore'), 'utf8').split('\n');
  const inside = (folder: string): string[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true })
      .filter(f => f.isDirectory() && !f.name.startsWith('.') && !ignored.includes(`${f.name}/`))
      .map(f => path.posix.join(folder, f.name));
  const folders = [...inside('.'), ...inside('controller')].filter(f => f !== 'controller');
  assert.ok(existsSync(path.join(root, 'controller/main.ts')));
  assert.equal(
    folders.filter(f => !written.includes(`\`${f}/\``)),
    [],
  );
});

test.run();
