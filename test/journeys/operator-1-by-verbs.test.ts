/** From an empty folder to a fleet at 100 % and back: what a person types, and nothing else. Every part is real. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { otaProcess } from '../support/cli.ts';
import { until, withFolder } from '../support/folder.ts';
import { startProcess } from '../support/process.ts';
import { agentProgram } from '../support/programs.ts';
import { gitEnvironment } from '../support/repository.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const apk = (id: string): string => path.join(ROOT, 'examples/apks', `${id}.apk`);

interface Desk {
  /** Runs `ota …` in the releases repository; must exit with `code`. Resolves to everything it said. */
  ota(argv: readonly string[], code?: number): Promise<string>;
  /** A merge: everything in the working folder is committed to the branch that the controller follows. */
  merge(message: string): Promise<void>;
  /** Twenty simulated devices that run b41 and live fast until the desk is left. */
  startFleet(): Promise<void>;
}

async function withDesk(use: (desk: Desk) => Promise<void>): Promise<void> {
  await withFolder(async folder => {
    const cwd = path.join(folder, 'releases-repository');
    await mkdir(cwd);
    const data = path.join(folder, 'data');
    await promisify(execFile)('git', ['init', '--quiet', '--initial-branch=main', cwd]);
    const running = await startProcess({ OTA_DATA: data, OTA_SOURCE: `file://${cwd}` }, folder);
    const token = (await readFile(path.join(data, 'admin-token'), 'utf8')).trim();
    const env = { OTA_URL: running.url, OTA_ADMIN_TOKEN: token };
    let fleet: ChildProcess | undefined;
    try {
      await use({
        ota: async (argv, code = 0) => {
          const ran = await otaProcess(argv, { cwd, env });
          assert.is(ran.code, code, `ota ${argv.join(' ')}\n${ran.out}${ran.err}`);
          return ran.out + ran.err;
        },
        merge: async message => {
          const git = (...args: string[]) =>
            promisify(execFile)('git', ['-c', 'user.name=Olga', '-c', 'user.email=o@example.com', ...args], {
              cwd,
              env: gitEnvironment(folder),
            });
          await git('add', '.');
          await git('commit', '--quiet', '--message', message);
        },
        startFleet: async () => {
          fleet = await fleetProcess(running.url, token, folder);
        },
      });
    } finally {
      fleet?.kill('SIGTERM');
      if (fleet !== undefined && fleet.exitCode === null) await once(fleet, 'close');
      assert.is(await running.end('SIGTERM'), 0);
    }
  });
}

/** Polls come every few seconds instead of every six hours; conditions are good, so that nothing is put off. */
async function fleetProcess(url: string, token: string, cwd: string): Promise<ChildProcess> {
  const good = ['--wifi', '1', '--plugged', '1', '--calls', '0', '--install-failures', '0', '--dies', '0'];
  const life = ['--devices', '20', '--installed', apk('b41'), '--for', '200d', '--scale', '7200', '--events'];
  const child = spawn(process.execPath, [agentProgram(), 'fleet', '--url', url, ...life, ...good], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, OTA_ADMIN_TOKEN: token },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', chunk => {
    text += String(chunk);
  });
  await until('the first check of the fleet', () => text.includes('"ota.check"'));
  return child;
}

test('from an empty folder to a fleet at 100 % and back, by verbs alone', () =>
  withDesk(async ({ ota, merge, startFleet }) => {
    const nothing = await ota(['status'], 2);
    assert.match(nothing, /no release has been applied yet\n? .*\[?[\s\S]*push a first commit/);

    await ota(['init', '--apk', apk('b41')]);
    assert.match(await ota(['validate']), /^valid: 0 errors/);
    await merge('the first release');
    await ota(['reconcile']);
    assert.match(await ota(['status']), /^current +b41$/m);
    await startFleet();
    await ota(['status', '-w', '--revision', 'HEAD', '--timeout', '2m', '--interval', '1s']);

    assert.match(await ota(['build', 'add', apk('b42')]), /next: ota promote b42[\s\S]*uploaded \d+ bytes/);
    const promoted = await ota(['promote', 'b42', '--ramp', '10:1s,50:1s,100', '--reason', 'reconnects']);
    assert.match(promoted, /cohort_seed b42\.\d+: every step within .* points on 20 active devices/);
    assert.match(promoted, /promote b42 on a ramp of 10, 50 and 100 %/);
    await merge('promote b42');
    await ota(['reconcile']);
    await ota(['status', '-w', '--revision', 'HEAD', '--timeout', '3m', '--interval', '1s']);
    assert.match(await ota(['status']), /20 run b42/);
    assert.match(await ota(['explain', 'sim-7']), /^sim-7: hold up_to_date/m);

    await ota(['rollback', '--force-downgrade', '--reason', 'it drains batteries']);
    await merge('roll back');
    await ota(['reconcile']);
    await ota(['status', '-w', '--revision', 'HEAD', '--timeout', '3m', '--interval', '1s']);
    assert.match(await ota(['explain', 'sim-7']), /b41/);
    await ota(['withdraw', 'b42', '--reason', 'it drains batteries']);
    await merge('withdraw b42');
    await ota(['reconcile']);
    assert.match(await ota(['build', 'add', apk('b42')]), /b42 is withdrawn|b42 is already current/);
  }));

test.run();
