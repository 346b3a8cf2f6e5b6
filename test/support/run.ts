/**
 * Runs the test files and judges them strictly.
 *
 * uvu alone never times out, hangs on an open handle and exits 0 for a file that forgets `test.run()`; here a file
 * passes only when it ends in time with exit code 0, ran at least one test, and passed equals total. Files of some
 * folders share processes, as starting one costs a second of CPU time; all others have a process of their own.
 * Usage: run.ts [substring of the path …]; ends with the line `N passed, N failed[, N skipped]`.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { inGroups } from './groups.ts';
import { filesOnNode24, node24 } from './node-24.ts';
import { startPostgres } from './postgres.ts';
import { runFolder } from './run-folder.ts';
import { type Counts, count, type FileResult, judge, type Run } from './run-judge.ts';

/** TEST_ROOT: where the runner's own tests keep files that fail on purpose. */
const root = path.resolve(process.env.TEST_ROOT ?? path.join(import.meta.dirname, '../..'));
/** A file's time, ms. Files that share a process have that once, and a little more for each. */
const limitMs = Number(process.env.TEST_FILE_LIMIT_MS ?? 240_000);
const sharedFileMs = limitMs / 12;

type Part = readonly [folder: string, filesPerProcess: number];

/**
 * Folders whose files leave nothing behind in the process: no environment, no handlers, no open handles. The number is
 * how many files share a process, so that the work can be spread. A file belongs to the first folder that it lies in.
 */
const SHARED: readonly Part[] = [
  ['journeys', 5],
  ['github', 6],
  ['conformance', 5],
  ['cli', 10],
  ['http', 11],
  ['agent/fleet', 20],
  ['agent/simulated', 20],
  ['agent/adb', 1],
  ['agent/cli', 1],
  ['agent/conform', 1],
  ['agent', 20],
  ['compose', 20],
  ['identity', 20],
  ['notify', 20],
  ['source', 20],
  ['domain', 60],
  ['apk', 60],
  ['yaml', 60],
  ['store', 60],
  ['watch', 60],
  ['reconcile', 60],
  ['outbox', 60],
  ['nudges', 60],
  ['artifacts', 60],
  ['observe', 60],
  ['settings', 60],
];

/** Begun first: whoever runs them waits more than it works, and the last one must not run alone at the end. */
const FIRST = [
  'test/agent/conform/agent.test.ts',
  'test/dashboard/',
  'test/demo.test.ts',
  'test/bench.test.ts',
  'test/postgres/',
  'test/journeys/',
];
const rankOf = (file: string): number => {
  const rank = FIRST.findIndex(prefix => file.startsWith(prefix));
  return rank < 0 ? FIRST.length : rank;
};

/** Run once more with each store on PostgreSQL: what these say of a store must hold on both engines. */
const ON_POSTGRES = [
  'store/bulk',
  'store/check-in-gaps',
  'store/confirmations',
  'store/desired',
  'store/device-find',
  'store/devices',
  'store/failures',
  'store/halts',
  'store/history',
  'store/lease',
  'store/load-registry',
  'store/operators',
  'store/outbox',
  'store/outcomes',
  'store/pages',
  'store/pages-read',
  'store/past',
  'store/ramp',
  'store/rotation',
  'store/sessions',
  'store/takers',
  'journeys/device-1-poll',
  'journeys/device-2-nudge',
  'journeys/device-4-integrity',
  'journeys/device-5-idempotency',
  'journeys/installation',
  'journeys/nudge-3-outage',
  'journeys/promote-and-rollout',
  'journeys/ramp-2-gate',
  'journeys/rollback',
  'journeys/telemetry',
].map(name => `test/${name}.test.ts`);

const ON_POSTGRES_TOGETHER: readonly Part[] = [
  ['store', 30],
  ['journeys', 5],
  ['postgres', 8],
];

interface Job {
  readonly files: readonly string[];
  readonly together: boolean;
  readonly onPostgres?: true;
  /** The program that runs it, where it is not this one. */
  readonly node24?: string;
}

function start(
  args: readonly string[],
  timeMs: number,
  env: NodeJS.ProcessEnv = {},
  node = process.execPath,
): Promise<Run> {
  const started = performance.now();
  return new Promise(resolve => {
    const child = spawn(node, ['--import', 'tsx', ...args], {
      cwd: root,
      env: { ...process.env, ...env, NODE_ENV: 'test', FORCE_COLOR: '0', TMPDIR: temporaryFolder },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    let timedOut = false;
    const take = (chunk: Buffer) => {
      if (output.length < 4_000_000) output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const timer = setTimeout(() => {
      timedOut = true;
      // The whole group: a test may have started servers of its own.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeMs);
    child.on('close', (exit, signal) => {
      clearTimeout(timer);
      resolve({ output, exit, signal, timedOut, ms: performance.now() - started });
    });
  });
}

async function runAlone(file: string): Promise<FileResult[]> {
  const run = await start([file], limitMs);
  const { output } = run;
  const counts = {
    total: count(output, 'Total'),
    passed: count(output, 'Passed'),
    skipped: count(output, 'Skipped'),
  };
  return [judge(file, run, counts)];
}

/** A file that never began, or never ended, has failed: the process died or hung in it or before it. */
async function runTogether({ files, onPostgres, node24: program }: Job): Promise<FileResult[]> {
  const run = await start(
    [path.join(import.meta.dirname, 'run-together.ts'), ...files],
    limitMs + files.length * sharedFileMs,
    onPostgres && server !== undefined ? { TEST_STORE: 'postgres', TEST_POSTGRES: server.url } : {},
    program,
  );
  const last = files.findLast(file => run.output.includes(begins(file)));
  const firstUnbegun = files.find(file => !run.output.includes(begins(file)));
  return files.map(file => {
    const [, part = ''] = run.output.split(begins(file));
    const end = part.indexOf('@@ {');
    const ended = end >= 0;
    const counts = ended
      ? (JSON.parse(part.slice(end + 3).split('\n')[0] ?? '') as Counts)
      : { total: 0, passed: 0, skipped: 0 };
    // One exit code for all: it counts against the files that did not end, and against all when all did.
    const exit = ended && run.output.split('@@ {').length - 1 < files.length ? 0 : run.exit;
    return judge(
      `${file}${onPostgres ? ' on PostgreSQL' : ''}${program === undefined ? '' : ' on Node 24'}`,
      {
        // What ended the process was said before a file that never began: by the file that ran last, or by no file.
        output: ended ? part.slice(0, end) : file === firstUnbegun ? run.output.slice(-LAST_WORDS) : part,
        exit,
        timedOut: run.timedOut && !ended,
        ms: counts.ms ?? run.ms,
        ended: ended ? undefined : endOf(run, file === last ? 'in it' : 'before it began'),
      },
      counts,
    );
  });
}

/** Characters of the output of a process that ended too soon. */
const LAST_WORDS = 4_000;
const begins = (file: string): string => `@@ begins ${file}\n`;
const endOf = ({ exit, signal }: Run, where: string): string =>
  `its process ended ${where}, ${signal === null ? `with exit code ${exit}` : `killed by ${signal}`}`;

const wanted = process.argv.slice(2);
const files = readdirSync(path.join(root, 'test'), { recursive: true })
  .map(name => path.join('test', String(name)))
  .filter(name => name.endsWith('.test.ts') && !name.startsWith('test/fixtures/'))
  .filter(name => wanted.length === 0 || wanted.some(part => name.includes(part)))
  .sort((a, b) => a.localeCompare(b));

const isIn = (folder: string, file: string): boolean => file.startsWith(`test/${folder}/`);
/** Groups of those of `among` for which this is the first of the parts that they lie in. */
const inParts = (among: readonly string[], parts: readonly Part[]): string[][] =>
  parts.flatMap(part =>
    inGroups(
      among.filter(file => parts.find(([folder]) => isIn(folder, file)) === part),
      part[1],
    ),
  );
const queue: Job[] = [
  ...inParts(files, SHARED).map(group => ({ files: group, together: true })),
  ...files
    .filter(file => !isIn('postgres', file) && !SHARED.some(([folder]) => isIn(folder, file)))
    .map(file => ({ files: [file], together: false })),
];
const onPostgres = files.filter(file => ON_POSTGRES.includes(file) || isIn('postgres', file));
const server = onPostgres.length > 0 ? await startPostgres() : undefined;
if (server !== undefined)
  for (const group of inParts(onPostgres, ON_POSTGRES_TOGETHER))
    queue.push({ files: group, together: true, onPostgres: true });
const otherNode = node24();
const onNode24 = filesOnNode24(files);
if (otherNode !== undefined)
  for (const group of onNode24) queue.push({ files: group, together: true, node24: otherNode });
queue.sort((a, b) => rankOf(a.files[0] ?? '') - rankOf(b.files[0] ?? ''));
const temporaryFolder = runFolder();
const results: FileResult[] = [];

function print(result: FileResult): void {
  const mark = result.why === undefined ? 'ok  ' : 'FAIL';
  const skipped = result.skipped > 0 ? ` · ${result.skipped} skipped` : '';
  console.log(
    `${mark} ${result.file} · ${result.passed} passed${skipped} · ${(result.ms / 1000).toFixed(1)} s`,
  );
  if (result.why !== undefined) console.log(`     ${result.why}\n${result.output.replace(/^/gm, '     | ')}`);
}

async function worker(): Promise<void> {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const done = job.together
      ? await runTogether(job)
      : await Promise.all(job.files.map(runAlone)).then(all => all.flat());
    results.push(...done);
    for (const result of done) print(result);
  }
}
// One more than there are cores: a test of the controller waits for Git, sockets and other processes half of its time.
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) + 1 }, worker));

await server?.stop();

const sum = (of: (r: FileResult) => number): number => results.reduce((total, r) => total + of(r), 0);
const failed = sum(r => r.failed) + (files.length === 0 ? 1 : 0);
const withoutPostgres = server === undefined ? onPostgres.length : 0;
if (withoutPostgres > 0)
  console.log(`PostgreSQL is not installed: ${withoutPostgres} files were not run on it`);
const withoutNode24 = otherNode === undefined ? onNode24.flat().length : 0;
if (withoutNode24 > 0)
  console.log(`TEST_NODE_24 is not set (see .ci/node-24): ${withoutNode24} files were not run on Node 24`);
const skipped = sum(r => r.skipped) + withoutPostgres + withoutNode24;
if (files.length === 0) console.log('no test file matched');
for (const r of results.filter(r => r.why !== undefined)) console.log(`FAIL ${r.file}: ${r.why}`);
console.log(`${results.length} files`);
console.log(`${sum(r => r.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
