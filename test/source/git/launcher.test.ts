/** Git is started from a small process of its own, since starting one from a large process holds up every check. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../../controller/domain/fault.ts';
import { type Launcher, makeLauncher } from '../../../controller/source/git/launcher.ts';
import { withFolder } from '../../support/folder.ts';
import { eventually } from '../../support/http.ts';

const PATH = process.env.PATH ?? '';

interface Scene {
  readonly launcher: Launcher;
  /** Runs this shell script in place of Git. */
  shell(script: string, signal?: AbortSignal): ReturnType<Launcher['run']>;
  readonly folder: string;
}

const withLauncher = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const launcher = makeLauncher();
    try {
      await use({
        launcher,
        folder,
        shell: async (script, signal) => {
          const own = await mkdtemp(path.join(folder, 'bin-'));
          await writeFile(path.join(own, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
          const env = { PATH: `${own}:${PATH}` };
          return launcher.run({ args: [], folder, env, timeoutMs: 600_000, signal });
        },
      });
    } finally {
      launcher.close();
    }
  });

test('Git runs as it does from this process: bytes in, bytes out, exit code, its own environment', () =>
  withLauncher(async ({ launcher, folder }) => {
    const base = {
      folder,
      env: { PATH, GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'a@x' },
      timeoutMs: 60_000,
    };
    const text = await launcher.run({ ...base, args: ['stripspace'], input: 'ä\n\n\n\nb' });
    assert.equal([text.exitCode, text.stdout.toString()], [0, 'ä\n\nb\n']);
    assert.match(
      (await launcher.run({ ...base, args: ['var', 'GIT_AUTHOR_IDENT'] })).stdout.toString(),
      /^Ada /,
    );
    const refused = await launcher.run({ ...base, args: ['no-such-verb'] });
    assert.is(refused.exitCode, 1);
    assert.match(refused.stderr.toString(), 'no-such-verb');
    const gone = launcher.run({ ...base, folder: path.join(folder, 'gone'), args: ['version'] });
    assert.is(await gone.catch(faultCode), 'mirror_unusable');
  }));

test('its parent is one small process, not the one that holds the fleet', () =>
  withLauncher(async ({ shell }) => {
    const parents = new Set<string>();
    for (let run = 0; run < 3; run += 1) parents.add((await shell('echo $PPID')).stdout.toString().trim());
    assert.is(parents.size, 1);
    assert.not.ok(parents.has(String(process.pid)));
  }));

test('runs go side by side, and stopping one ends it alone, with what it started', () =>
  withLauncher(async ({ shell }) => {
    const stopping = new AbortController();
    const long = shell('sleep 600 & wait', stopping.signal);
    assert.is((await shell('echo done')).stdout.toString(), 'done\n');
    stopping.abort();
    assert.is(await long.catch(faultCode), 'source_stopped');
    assert.is((await shell('echo on')).stdout.toString(), 'on\n');
  }));

test('when the small process is killed, runs under way are Faults and the next run starts another', () =>
  withLauncher(async ({ shell, folder }) => {
    const pid = path.join(folder, 'pid');
    const long = shell(`echo $PPID > ${pid}.new; mv ${pid}.new ${pid}; exec sleep 600`).catch(faultCode);
    const read = (): Promise<string> => readFile(pid, 'utf8').catch(() => '');
    await eventually(async () => (await read()) !== '');
    process.kill(Number(await read()), 'SIGKILL');
    assert.is(await long, 'git_killed');
    assert.is((await shell('echo again')).stdout.toString(), 'again\n');
  }));

test('a controller that ends takes Git along: nothing writes into the mirror after it', () =>
  withLauncher(async ({ shell, launcher, folder }) => {
    const [begun, ended] = [path.join(folder, 'begun'), path.join(folder, 'ended')];
    const long = shell(`trap 'touch ${ended}; exit 1' TERM; touch ${begun}; while :; do sleep 0.05; done`);
    long.catch(() => undefined);
    const exists = (file: string) =>
      readFile(file).then(
        () => true,
        () => false,
      );
    await eventually(() => exists(begun));
    launcher.close();
    await eventually(() => exists(ended));
    assert.ok(await exists(ended));
    assert.is(await long.catch(faultCode), 'git_killed');
    assert.is(await shell('echo late').catch(faultCode), 'source_stopped');
  }));

test('a Ctrl-C that reaches every process of a service does not end it before the controller', () =>
  withLauncher(async ({ shell }) => {
    const starter = Number((await shell('echo $PPID')).stdout.toString());
    process.kill(starter, 'SIGINT');
    process.kill(starter, 'SIGTERM');
    assert.is(Number((await shell('echo $PPID')).stdout.toString()), starter);
  }));

test.run();
