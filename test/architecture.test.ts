/** Holds the arrows and invariants of ARCHITECTURE.md for every source file, and shows that each rule can fail. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, filesUnder, importsOf, root, type SourceFile } from './support/sources.ts';

const all = [...filesUnder('controller'), ...filesUnder('agent')];

const says =
  (pattern: RegExp) =>
  ({ text }: SourceFile): boolean =>
    pattern.test(codeOf(text, { strings: false }));

// ---------------------------------------------------------------- the tables

/** Cells of every table row of ARCHITECTURE.md whose first cell is code, by the first header cell of its table. */
function tableRows(markdown: string, firstHeader: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex(line => line.startsWith(`| ${firstHeader} |`));
  assert.ok(start >= 0, `ARCHITECTURE.md has no table that begins with "${firstHeader}"`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines
    .slice(start + 2, end)
    .map(line => line.split('|').slice(1, -1))
    .map(cells => cells.map(cell => cell.trim()));
}

const words = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

const USES = ['clock', 'timers', 'random', 'console', 'environment'] as const;
type Use = (typeof USES)[number];

/** What a file says that needs the permission. */
const USE_PATTERNS: Readonly<Record<Use, RegExp>> = {
  clock: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b|\bhrtime\b/,
  timers: /\bset(Timeout|Interval|Immediate)\b/,
  random: /\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bgetRandomValues\b/,
  console: /\bconsole\b/,
  environment: /\bprocess\s*\??\.\s*env\b|\bprocess\[|\}\s*=\s*process\b/,
};
const isUse = (word: string): word is Use => (USES as readonly string[]).includes(word);

/** What one row allows. */
interface Room {
  /** Path prefix, `controller/domain/` or one file. */
  readonly at: string;
  /** Names of rooms, or `every room`. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
  readonly uses: readonly Use[];
}

const written = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');

const rooms: readonly Room[] = tableRows(written, 'room').map(([at, , imports, packages, uses]) => ({
  at: words(at)[0] ?? '',
  imports: imports === 'every room' ? ['every room'] : words(imports),
  packages: words(packages),
  uses: words(uses).filter(isUse),
}));

const exceptions: ReadonlyMap<string, Room> = new Map(
  tableRows(written, 'exception').map(([at, may, why]) => {
    const file = words(at)[0] ?? '';
    assert.ok(why !== undefined && why.length > 3, `the exception for ${file} gives no reason`);
    const granted = words(may);
    return [
      file,
      {
        at: file,
        imports: granted.filter(w => !isUse(w) && !w.startsWith('node:')),
        packages: granted.filter(w => w.startsWith('node:')),
        uses: granted.filter(isUse),
      },
    ];
  }),
);

/** The room that a file lies in, with what the exceptions add for this very file; undefined: no row is about it. */
function roomOf(file: string): Room | undefined {
  const room = rooms.find(r => file.startsWith(r.at));
  const also = exceptions.get(file);
  if (room === undefined || also === undefined) return room ?? also;
  return {
    ...room,
    imports: [...room.imports, ...also.imports],
    packages: [...room.packages, ...also.packages],
    uses: [...room.uses, ...also.uses],
  };
}

/** `controller/http/agent/x.ts` → `http`; `agent/x.ts` → `agent`; `controller/x.ts` → the file itself. */
function roomName(file: string): string {
  const [top = '', folder = '', ...rest] = file.split('/');
  if (top !== 'controller') return top;
  return rest.length === 0 ? file : folder;
}

/** `@scope/name/deep` → `@scope/name`; `csv-parse/sync` → `csv-parse`; Node's modules as they are. */
const packageName = (specifier: string): string =>
  specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');

function wrongArrows(file: SourceFile): string[] {
  const room = roomOf(file.path);
  if (room === undefined) return [`${file.path} lies in no room of ARCHITECTURE.md`];
  const own = roomName(file.path);
  const allows = (to: string): boolean => {
    if (/^(controller|agent|test|demo|bench|scripts|schemas)\//.test(to)) {
      const name = roomName(to);
      if (name === own && !to.endsWith('/main.ts')) return true;
      if (room.imports.includes(name)) return true;
      return room.imports.includes('every room') && to.startsWith('controller/') && name !== to;
    }
    const name = packageName(to);
    return room.packages.includes(name) || (name.startsWith('node:') && room.packages.includes('node:*'));
  };
  return importsOf(file)
    .filter(to => !allows(to))
    .map(to => `${file.path} imports ${to}`);
}

test('every import follows the table', () => {
  assert.equal(all.flatMap(wrongArrows), []);
});

/** The room's own permissions, and those of this file. */
function wrongUses(file: SourceFile): string[] {
  const allowed = roomOf(file.path)?.uses ?? [];
  return USES.filter(use => !allowed.includes(use) && says(USE_PATTERNS[use])(file)).map(
    use => `${file.path} uses ${use}`,
  );
}

test('clocks, timers, random numbers, the console and the environment are used only where the table allows it', () => {
  assert.equal(all.flatMap(wrongUses), []);
});

test('every row of the table is about something that is there, and each permission is used', () => {
  const unused = [...rooms, ...exceptions.values()].flatMap(room => {
    const inside = all.filter(f => f.path.startsWith(room.at));
    if (inside.length === 0) return [`${room.at} is not there`];
    const imports = inside.flatMap(importsOf);
    const names = new Set([...imports.map(roomName), ...imports.map(packageName)]);
    return [
      ...room.imports.filter(name => name !== 'every room' && !names.has(name)),
      ...room.packages.filter(name => name !== 'node:*' && !names.has(name)),
      ...room.uses.filter(use => !inside.some(f => says(USE_PATTERNS[use])(f))),
    ].map(what => `${room.at} does not use ${what}`);
  });
  assert.equal(unused, []);
});

test('every package of package.json is in the table', () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const listed = new Set(rooms.flatMap(r => r.packages));
  assert.equal(
    Object.keys(dependencies).filter(name => !listed.has(name)),
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

const isGenerated = (file: string): boolean => file.endsWith('.generated.ts');
const POOR_NAME = /(?:^|[a-z_-])(utils?|helpers?|managers?|services?)$/i;
/** Android's own word for what installs packages. */
const ANDROID = /package-?managers?$/i;
const isPoor = (name: string): boolean => POOR_NAME.test(name) && !ANDROID.test(name);
const DECLARED = /\b(?:class|interface|type|function|const|let)\s+([A-Za-z_$][\w$]*)/g;
const any = (): boolean => true;

const RULES: readonly Rule[] = [
  {
    name: 'domain and apk touch neither process nor network',
    applies: file => /^controller\/(domain|apk)\//.test(file),
    found: says(/\bprocess\b(?!-)|\bglobalThis\b|\bfetch\(/),
    broken: { path: 'controller/domain/x.ts', text: 'if (process.platform) f();' },
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
    applies: file => !isGenerated(file),
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

const EXPORTED = /^export (?:async )?(?:const|function\*?|class|let|interface|type) ([A-Za-z_$][\w$]*)/gm;

/** Values and types that are exported although no other file says their name. */
function exportedInVain(files: readonly SourceFile[], readers: readonly SourceFile[]): string[] {
  const said = new Map<string, Set<string>>();
  for (const { path: file, text } of readers)
    for (const [name] of codeOf(text, { strings: false }).matchAll(/[A-Za-z_$][\w$]*/g))
      said.set(name, (said.get(name) ?? new Set()).add(file));
  return files.flatMap(({ path: file, text }) =>
    [...text.matchAll(EXPORTED)]
      .map(([, name = '']) => name)
      .filter(name => [...(said.get(name) ?? [])].every(reader => reader === file))
      .map(name => `${file} ${name}`),
  );
}

test('nothing is exported without a use in another file', () => {
  const readers = ['bench', 'demo', 'scripts', 'test'].flatMap(filesUnder);
  assert.equal(exportedInVain(all, [...all, ...readers]), []);
  const lonely = {
    path: 'controller/x.ts',
    text: 'export const lonely = 1;\nexport type Idle = 1;\nexport const taken = lonely;',
  };
  const taker = { path: 'agent/y.ts', text: "import { taken } from '../controller/x.ts'; f(taken);" };
  assert.equal(exportedInVain([lonely], [lonely, taker]), ['controller/x.ts lonely', 'controller/x.ts Idle']);
});

// ---------------------------------------------------------------- the rules themselves

const breaks = (file: string, text: string): number => {
  const source = { path: file, text };
  return wrongArrows(source).length + wrongUses(source).length;
};

test('a wrong arrow is found, in each form of import', () => {
  const adapter = 'controller/http/app.ts';
  assert.is(breaks(adapter, "import { x } from '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "import type { X } from '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "export * from '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "import '../store/db.ts';"), 1);
  assert.is(breaks(adapter, "const x = await import('../store/db.ts');"), 1);
  assert.is(breaks(adapter, "import {\n  x,\n} from '../reconcile/loop.ts';"), 1);
  assert.is(breaks(adapter, "// from '../store/db.ts'\nimport x from '../ports/index.ts';"), 0);
  assert.is(breaks('controller/domain/x.ts', "import { readFileSync } from 'node:fs';"), 1);
  assert.is(breaks('controller/domain/x.ts', "import type { Port } from '../ports/index.ts';"), 1);
  assert.is(breaks('controller/domain/plan/x.ts', "import { x } from '../cohort.ts';"), 0);
  assert.is(breaks('controller/apk/x.ts', "import yaml from 'yaml';"), 1);
  assert.is(breaks('controller/reconcile/loop.ts', "import { x } from '../store/db.ts';"), 1);
  assert.is(breaks('controller/reconcile/loop.ts', "import { x } from '../compose/controller.ts';"), 1);
  assert.is(breaks('controller/reconcile/loop.ts', "import { x } from './wake.ts';"), 0);
  assert.is(breaks('controller/compose/controller.ts', "import { x } from '../store/db.ts';"), 0);
  assert.is(breaks('controller/compose/controller.ts', "import { x } from '../main.ts';"), 1);
  assert.is(breaks('controller/cli/plan.ts', "import { x } from '../source/folder.ts';"), 0);
  assert.is(breaks('controller/cli/plan.ts', "import { x } from '../http/app.ts';"), 1);
  assert.is(breaks('agent/step.ts', "import { x } from '../controller/http/app.ts';"), 1);
  assert.is(breaks('agent/adb/x.ts', "import { x } from '../../controller/apk/index.ts';"), 0);
  assert.is(breaks('agent/step.ts', "import { x } from '../test/support/state.ts';"), 1);
});

test('a foreign room or package is found, in a room and on the top floor', () => {
  assert.is(breaks('controller/store/zz.ts', "import pino from 'pino';"), 1);
  assert.is(breaks('controller/store/zz.ts', "import { Counter } from 'prom-client';"), 1);
  assert.is(breaks('controller/store/zz.ts', "import { verifyApk } from '../apk/index.ts';"), 1);
  assert.is(breaks('controller/store/zz.ts', "import knex from 'knex';"), 0);
  assert.is(breaks('controller/zz.ts', "import knex from 'knex';"), 1);
  assert.is(breaks('controller/zz.ts', "import { Octokit } from '@octokit/rest';"), 1);
  assert.is(breaks('controller/newroom/zz.ts', ''), 1);
  assert.is(breaks('controller/push/x.ts', "import { x } from 'firebase-admin/app';"), 0);
  assert.is(
    breaks('controller/push/x.ts', "const file = import.meta.resolve('htmx.org/dist/htmx.min.js');"),
    1,
  );
});

test('a clock, a random number, the console or the environment is found where the table does not allow it', () => {
  assert.is(breaks('controller/domain/x.ts', 'const ms = Date.now();'), 1);
  assert.is(breaks('controller/domain/x.ts', 'setTimeout(f, 1);'), 1);
  assert.is(breaks('controller/apk/x.ts', 'const n = Math.random();'), 1);
  assert.is(breaks('controller/store/x.ts', 'const at = new Date();'), 1);
  assert.is(breaks('controller/http/app.ts', 'const port = process.env.PORT;'), 1);
  assert.is(breaks('controller/http/app.ts', 'const { env } = process;'), 1);
  assert.is(breaks('controller/reconcile/x.ts', "console.log('x');"), 1);
  assert.is(breaks('controller/settings/keys.ts', 'const key = randomBytes(32);'), 0);
  assert.is(breaks('controller/main.ts', 'const port = process.env.PORT;'), 0);
});

test('a word in a comment or a string breaks nothing', () => {
  const text = "/** Never Date.now here. */\nconst hint = 'Date.now'; // new Date()\nconst at = new Date(5);";
  assert.is(breaks('controller/domain/x.ts', text), 0);
});

test('ARCHITECTURE.md names every folder', () => {
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
