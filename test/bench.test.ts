import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Figures } from '../bench/report.ts';

const root = path.resolve(import.meta.dirname, '..');

const bench = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise(resolve => {
    const command = ['--import', 'tsx', 'bench/main.ts', ...args];
    execFile(process.execPath, command, { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

const positive = (value: number | undefined, name: string): void =>
  assert.ok(value !== undefined && value > 0, `${name}: ${value}`);

test('npm run bench -- --json --quick prints the ratios of checks, a burst and a start in one JSON object, all checks recorded', async () => {
  const { code, stdout, stderr } = await bench('--json', '--quick', '--only', 'checks', 'burst', 'start');
  assert.is(code, 0, stderr);
  const { checks, burst, start, machine } = JSON.parse(stdout) as Figures;
  assert.ok(checks !== undefined);
  for (const kind of ['304', '200'] as const) {
    const { servers, ratios, halfOfSaturation, at1000, bytes } = checks.answers[kind];
    positive(bytes, 'bytes');
    for (const server of Object.values(servers)) positive(server.perSecond, 'checks a second');
    for (const rival of ['http', 'koa'] as const) {
      positive(ratios[rival].throughput, `throughput to ${rival}`);
      if (machine.pinned) positive(ratios[rival].cpu, `CPU to ${rival}`);
    }
    positive(halfOfSaturation.controller.p99Ms, 'p99 at half of saturation');
    positive(at1000.p95Ms, 'p95 at 1,000 checks a second');
  }
  positive(checks.counted, 'counted');
  assert.ok(checks.logged >= checks.counted);
  assert.is(burst?.checks, 500, 'each device of a burst is answered');
  positive(burst?.downloads, 'downloads of a burst');
  positive(start?.readyMs, 'a start until ready');
});

test('npm run bench -- --only cli measures whole commands next to a bare Node, and needs no server', async () => {
  const { code, stdout, stderr } = await bench('--json', '--quick', '--only', 'cli');
  assert.is(code, 0, stderr);
  const { cli } = JSON.parse(stdout) as Figures;
  positive(cli?.nodeMs, 'node -e 0');
  assert.equal(
    cli?.commands.map(c => c.name),
    ['help', 'version', 'validate', 'plan'],
  );
  // CPU time, so a busy machine moves it little; the aims themselves are for npm run bench.
  for (const { name, ratio, aim } of cli?.commands ?? [])
    assert.ok(ratio > 0 && ratio < 3 * aim, `${name}: ${ratio}`);
});

test('npm run bench -- --only gates plays every case in virtual time and needs no server', async () => {
  const { code, stdout, stderr } = await bench('--json', '--quick', '--only', 'gates');
  assert.is(code, 0, stderr);
  const { gates, checks } = JSON.parse(stdout) as Figures;
  assert.is(checks, undefined);
  const names = new Set(gates?.rows.map(r => r.name));
  assert.is(gates?.rows.length, 2 * names.size);
  for (const row of gates?.rows ?? []) {
    const sum = row.halted + row.asked + row.done + row.open;
    assert.ok(Math.abs(sum - 1) < 1e-9, row.name);
  }
  const text = await bench('--quick', '--only', 'gates');
  assert.match(text.stdout, /^\| bricks all at once \| 2 \| 100 \| 0 \| 0 \| 1 \/ 1 \| – \|$/m);
});

test('an option that does not exist is refused before anything is measured', async () => {
  const { code, stdout, stderr } = await bench('--only', 'nothing');
  assert.is.not(code, 0);
  assert.is(stdout, '');
  assert.match(stderr, /nothing/);
});

test.run();
