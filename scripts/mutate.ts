/**
 * Mutation testing: changes the code one small place at a time and sees whether a test notices.
 *
 * `node --import tsx scripts/mutate.ts <area> [seed] [size]`: an area is a line of AREAS; `area/word` uses only files whose
 * path contains the word. A whole area tries every mutant. A sampled area tries about 200 mutants on lines that are drawn
 * with the seed (default 1); `size` draws about that many mutants of any area.
 * Prints Stryker's table and each survivor.
 * npx fetches Stryker when it is needed: it is not part of an ordinary install. Scores: docs/testing.md.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const STRYKER = '@stryker-mutator/core@9.6.1';
const SAMPLE = 200;
/** Mutants a line of code, measured over the domain; it only decides how many lines are drawn. */
const MUTANTS_PER_LINE = 0.8;

interface Area {
  /** Files and folders whose code is changed. */
  readonly code: readonly string[];
  /** What the test runner is asked for. */
  readonly tests: readonly string[];
  readonly sampled: boolean;
}

const whole = (code: readonly string[], tests: readonly string[]): Area => ({ code, tests, sampled: false });
const sampled = (code: readonly string[], tests: readonly string[]): Area => ({ code, tests, sampled: true });

/** Tests of gates and ramps, and of what halts and plans make of them. */
const ON_RAMPS = ['gate', 'ramp', 'halt', 'plan/gate-facts', 'plan/outlook'].map(
  name => `test/domain/${name}`,
);

/** The files of the store that SQLite runs. Those that only PostgreSQL uses (feed, requests, replicas) are left out. */
const STORE_FILES = [
  'adoption',
  'admins',
  'attempts',
  'audit',
  'check-ins',
  'confirmations',
  'desired',
  'device-find',
  'device-memory',
  'device-rows',
  'devices',
  'downloads',
  'enrol',
  'erase',
  'evidence-tally',
  'failures',
  'gap-table',
  'halts',
  'history',
  'interned',
  'key-values',
  'last-moment',
  'lease',
  'neighbours',
  'outbox',
  'outcome-counts',
  'outcomes',
  'past',
  'ramp',
  'registered-device',
  'registry',
  'retention',
  'revisions',
  'sessions',
  'tags',
  'takers',
  'token-table',
  'troubles',
  'writer',
].map(name => `controller/store/${name}.ts`);
/** The tests of the store that take less than two seconds. */
const STORE_TESTS = [
  'adopted',
  'check-in-gaps',
  'check-ins',
  'confirmations',
  'desired',
  'device-find',
  'devices',
  'failures',
  'halts',
  'history',
  'last-moment',
  'lease',
  'load-registry',
  'neighbours',
  'operators',
  'outbox',
  'outcomes',
  'pages',
  'past',
  'ramp',
  'registry',
  'sessions',
  'takers',
  'writer',
].map(name => `test/store/${name}.test`);

const AREAS: Readonly<Record<string, Area>> = {
  cohort: whole(['controller/domain/cohort.ts'], ['test/domain/cohort', 'test/domain/seed']),
  decision: whole(['controller/domain/decision.ts'], ['test/domain/decision']),
  ramp: whole(['controller/domain/ramp'], [...ON_RAMPS, 'test/domain/judging', 'test/domain/rules']),
  judging: whole(['controller/domain/judging'], ['test/domain/judging']),
  gate: whole(['controller/domain/gate'], [...ON_RAMPS, 'test/domain/failure-spike']),
  domain: sampled(['controller/domain'], ['test/domain']),
  apk: sampled(['controller/apk'], ['test/apk']),
  step: whole(
    ['agent/step.ts', 'agent/step'],
    ['test/agent/step', 'test/agent/vectors', 'test/agent/attempt'],
  ),
  auth: whole(
    ['controller/http/auth.ts', 'controller/http/device-token.ts'],
    ['test/http/auth', 'test/http/agent/renewal'],
  ),
  // Without `loop`, which starts controllers and Git: each mutant would cost half a minute.
  reconcile: sampled(
    ['controller/reconcile'],
    ['continuity', 'pass', 'past', 'picture', 'publication', 'wake'].map(name => `test/reconcile/${name}`),
  ),
  store: sampled(STORE_FILES, STORE_TESTS),
};

/** A small seeded generator (mulberry32): the same seed draws the same lines on every machine. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sources = (place: string): string[] =>
  statSync(place).isDirectory()
    ? readdirSync(place, { recursive: true })
        .map(name => path.posix.join(place, String(name)))
        .filter(name => name.endsWith('.ts') && !name.endsWith('.generated.ts'))
        .sort()
    : [place];

/** Lines that can hold a mutant: not blank, not a comment, not an import or a closing bracket. */
function codeLines(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .map((text, index) => ({ text: text.trim(), at: `${file}:${index + 1}-${index + 1}` }))
    .filter(({ text }) => text.length > 3 && !/^(\/\/|\/\*|\*|import |export \*|readonly |})/.test(text))
    .map(({ at }) => at);
}

function draw(lines: readonly string[], size: number, random: () => number): string[] {
  const left = [...lines];
  const wanted = Math.round(size / MUTANTS_PER_LINE);
  const drawn: string[] = [];
  while (drawn.length < wanted && left.length > 0)
    drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn.sort();
}

const [name = '', seed = '1', size] = process.argv.slice(2);
const [areaName = '', word = ''] = name.split('/');
const area = AREAS[areaName];
if (area === undefined) {
  console.error(
    `usage: node --import tsx scripts/mutate.ts <${Object.keys(AREAS).join(' | ')}> [seed] [size]`,
  );
  process.exit(2);
}
const files = area.code.flatMap(sources).filter(file => file.includes(word));
const isSampled = area.sampled || size !== undefined;
/** Built once, after Stryker has put all mutants into the code; which of them is active an environment variable says. */
const PROGRAM = 'mutated-tests.mjs';
const config = {
  testRunner: 'command',
  buildCommand: `node --import tsx scripts/mutate-bundle.ts ${PROGRAM} ${area.tests.join(' ')}`,
  commandRunner: { command: `node ${PROGRAM}` },
  mutate: isSampled ? draw(files.flatMap(codeLines), Number(size ?? SAMPLE), seeded(Number(seed))) : files,
  mutator: { excludedMutations: ['StringLiteral'] },
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, reportTests: false },
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['docs', 'demo', 'bench', 'dist', 'data'],
  // No file of this name: Stryker would ask TypeScript's old API to rewrite the real one, and tsx does not need it.
  tsconfigFile: 'no-tsconfig.json',
  // One at a time and with much patience: a busy machine must not turn a slow run into a kill. What still times out has
  // a column of its own in the table.
  concurrency: 1,
  timeoutMS: 15_000,
  timeoutFactor: 10,
};
const file = '.stryker-tmp.conf.json';
writeFileSync(file, JSON.stringify(config));
console.log(
  `${name}: ${isSampled ? `lines drawn with seed ${seed}` : 'every mutant'}; texts are not changed`,
);
const run = spawnSync('npx', ['--yes', '-p', STRYKER, 'stryker', 'run', file], { stdio: 'inherit' });
process.exit(run.status ?? 1);
