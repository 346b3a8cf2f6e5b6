/** One Git process: whatever keeps it from starting or ending is a Fault, never the end of the controller. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../../controller/domain/fault.ts';
import { runGit } from '../../../controller/source/git/process.ts';
import { withFolder } from '../../support/folder.ts';

const env = { PATH: process.env.PATH ?? '' };

async function codeOf(run: Parameters<typeof runGit>[0]): Promise<string> {
  const error = await runGit(run).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, Fault);
  return (error as Fault).code;
}

test('a controller out of file descriptors gets a Fault from Git and lives on', () => {
  const script = path.join(import.meta.dirname, '..', '..', 'support', 'out-of-descriptors.ts');
  const command = 'ulimit -n 128 && exec "$0" --import tsx "$1"';
  const said = execFileSync('sh', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  assert.is(said, 'git_unstartable git_unstartable, then exit codes 0 0\n');
});

test('a missing program, a missing folder and a process that takes too long have their own codes', () =>
  withFolder(async folder => {
    const base = { args: ['version'], folder, env, timeoutMs: 60_000 };
    assert.is(await codeOf({ ...base, env: { PATH: folder } }), 'git_missing');
    assert.is(await codeOf({ ...base, folder: path.join(folder, 'gone') }), 'mirror_unusable');
    await writeFile(path.join(folder, 'git'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    const slow = { ...base, env: { PATH: `${folder}:${env.PATH}` }, timeoutMs: 20 };
    assert.is(await codeOf(slow), 'source_timeout');
  }));

test('an exit code is an answer, with what was printed', () =>
  withFolder(async folder => {
    const base = { folder, env, timeoutMs: 60_000 };
    const fine = await runGit({ ...base, args: ['stripspace'], input: 'a\n\n\n\nb' });
    assert.equal([fine.exitCode, fine.stdout.toString()], [0, 'a\n\nb\n']);
    const refused = await runGit({ ...base, args: ['no-such-verb'], input: 'x'.repeat(1_000_000) });
    assert.is(refused.exitCode, 1);
    assert.match(refused.stderr.toString(), 'no-such-verb');
  }));

test('what Git has started to reach a host ends with it, and holds up nobody', () =>
  withFolder(async folder => {
    // A helper that keeps the pipes of its parent open for ten minutes.
    await writeFile(path.join(folder, 'git'), '#!/bin/sh\nsleep 600 &\nwait\n', { mode: 0o755 });
    const stopping = new AbortController();
    const run = codeOf({
      args: ['fetch'],
      folder,
      env: { PATH: `${folder}:${env.PATH}` },
      timeoutMs: 600_000,
      signal: stopping.signal,
    });
    setImmediate(() => stopping.abort());
    assert.is(await run, 'source_stopped');
  }));

test.run();
