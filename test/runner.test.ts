/** The test runner fails for each way in which uvu alone would pass: shown by files that are wrong on purpose. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const here = import.meta.dirname;

/** One run over `test/fixtures/runner`; a hanging file is killed after 6 s. */
const run = spawnSync(process.execPath, ['--import', 'tsx', path.join(here, 'support/run.ts')], {
  env: {
    ...process.env,
    TEST_ROOT: path.join(here, 'fixtures/runner'),
    TEST_FILE_LIMIT_MS: '6000',
    TEST_NODE_24: '',
  },
  encoding: 'utf8',
});

const lineOf = (file: string): string =>
  run.stdout.split('\n').find(line => line.includes(` test/${file}.test.ts ·`)) ?? '';
const reasonOf = (file: string): string =>
  run.stdout.split('\n').find(line => line.startsWith(`FAIL test/${file}.test.ts: `)) ?? '';

for (const folder of ['domain', 'other']) {
  test(`${folder}: a file that passes is counted`, () => {
    assert.match(lineOf(`${folder}/passes`), /^ok .* 1 passed/);
    assert.is(reasonOf(`${folder}/passes`), '');
  });

  test(`${folder}: a failing test fails its file and its reason is printed`, () => {
    assert.match(reasonOf(`${folder}/fails`), 'not every test passed');
    assert.match(run.stdout, 'told why');
  });

  test(`${folder}: a file that forgets test.run() fails`, () => {
    assert.match(reasonOf(`${folder}/y-forgets-run`), 'ran no test');
  });

  test(`${folder}: a file that does not load fails`, () => {
    assert.ok(reasonOf(`${folder}/throws`) !== '');
    assert.match(run.stdout, 'does not load');
  });

  test(`${folder}: a failing test beside a skipped one fails`, () => {
    assert.match(reasonOf(`${folder}/skips-and-fails`), 'not every test passed');
  });

  test(`${folder}: a skipped test is counted as skipped`, () => {
    assert.match(lineOf(`${folder}/skips`), /^ok .* 1 passed · 1 skipped/);
  });
}

test('a file that hangs is killed and fails, alone and together with others', () => {
  assert.match(reasonOf('other/hangs'), 'killed');
  assert.match(reasonOf('domain/z-hangs'), 'killed');
});

test('a file that ends the process in the middle fails', () => {
  assert.ok(reasonOf('other/exits') !== '');
});

test('a process that is killed names the signal in each file that it did not end, and what it said last', () => {
  assert.match(reasonOf('watch/a-dies'), 'its process ended in it, killed by SIGKILL');
  assert.match(reasonOf('watch/b-never-begins'), 'its process ended before it began, killed by SIGKILL');
  const [, after = ''] = run.stdout.split(/^FAIL test\/watch\/b-never-begins.*$/m);
  assert.match(after, 'last words');
});

test('a TEST_NODE_24 that is no Node 24 ends the run', () => {
  for (const [program, why] of [
    ['/nowhere/node', 'ENOENT'],
    [path.join(here, 'fixtures/runner/node-26'), 'it is v26.1.0'],
  ] as const) {
    const ended = spawnSync(
      process.execPath,
      ['--import', 'tsx', path.join(here, 'support/run.ts'), 'domain/passes'],
      {
        env: { ...process.env, TEST_ROOT: path.join(here, 'fixtures/runner'), TEST_NODE_24: program },
        encoding: 'utf8',
      },
    );
    assert.is.not(ended.status, 0);
    assert.match(ended.stderr, `TEST_NODE_24 names no Node 24: ${program}`);
    assert.match(ended.stderr, why);
  }
});

test('the run as a whole fails and its last line counts', () => {
  assert.is(run.status, 1);
  assert.match(run.stdout.trimEnd().split('\n').at(-1) ?? '', /^8 passed, \d+ failed, 11 skipped$/);
  assert.match(run.stdout, 'TEST_NODE_24 is not set (see .ci/node-24): 7 files were not run on Node 24');
});

test.run();
