/**
 * Runs every test file in a process of its own and judges it strictly.
 *
 * uvu alone never times out, hangs on an open handle and exits 0 for a file that forgets `test.run()`;
 * here a file passes only when it exits 0 in time, ran at least one test, and passed equals total.
 * Usage: run.ts [substring of the path …]; ends with the line `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const limitMs = Number(process.env.TEST_FILE_LIMIT_MS ?? 240_000);

interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly why: string | undefined;
  readonly output: string;
  readonly ms: number;
}

const count = (output: string, label: string): number =>
  [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
    (sum, m) => sum + Number(m[1]),
    0,
  );

function judge(
  output: string,
  exit: number | null,
  timedOut: boolean,
): Pick<FileResult, 'passed' | 'failed' | 'why'> {
  const total = count(output, 'Total');
  const passed = count(output, 'Passed');
  const skipped = count(output, 'Skipped');
  const failed = Math.max(0, total - passed - skipped);
  if (timedOut) return { passed, failed: failed + 1, why: `killed after ${limitMs} ms` };
  if (total === 0) return { passed, failed: failed + 1, why: 'ran no test (is test.run() missing?)' };
  if (exit !== 0) return { passed, failed: Math.max(1, failed), why: `exit code ${exit}` };
  return { passed, failed, why: failed > 0 ? 'not every test passed' : undefined };
}

function runFile(file: string): Promise<FileResult> {
  const started = performance.now();
  return new Promise(resolve => {
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'test', FORCE_COLOR: '0' },
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
    }, limitMs);
    child.on('close', exit => {
      clearTimeout(timer);
      resolve({ file, output, ms: performance.now() - started, ...judge(output, exit, timedOut) });
    });
  });
}

const wanted = process.argv.slice(2);
const files = readdirSync(path.join(root, 'test'), { recursive: true })
  .map(name => path.join('test', String(name)))
  .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules'))
  .filter(name => wanted.length === 0 || wanted.some(part => name.includes(part)))
  .sort((a, b) => Number(b.includes('journeys')) - Number(a.includes('journeys')) || a.localeCompare(b));

const queue = [...files];
const results: FileResult[] = [];
async function worker(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const result = await runFile(file);
    results.push(result);
    const mark = result.why === undefined ? 'ok  ' : 'FAIL';
    console.log(`${mark} ${result.file} · ${result.passed} passed · ${(result.ms / 1000).toFixed(1)} s`);
    if (result.why !== undefined)
      console.log(`     ${result.why}\n${result.output.replace(/^/gm, '     | ')}`);
  }
}
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));

const passed = results.reduce((sum, r) => sum + r.passed, 0);
const failed = results.reduce((sum, r) => sum + r.failed, 0) + (files.length === 0 ? 1 : 0);
if (files.length === 0) console.log('no test file matched');
for (const r of results.filter(r => r.why !== undefined)) console.log(`FAIL ${r.file}: ${r.why}`);
console.log(`${results.length} files`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
