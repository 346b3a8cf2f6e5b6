/** The process and its signals, and the exit codes that a service manager goes by. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until, withFolder } from './support/folder.ts';
import { call } from './support/http.ts';
import { CONTROLLER, environmentOf, refused, startProcess } from './support/process.ts';

const fixture = (name: string): string => path.resolve(import.meta.dirname, 'fixtures/tls', `${name}.pem`);

async function subjectAt(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).subject;
}

test('SIGHUP with a certificate: the renewed one is served, and the process goes on', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'releases'));
    const [cert, key] = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')];
    await copyFile(fixture('cert'), cert);
    await copyFile(fixture('key'), key);
    const running = await startProcess({ OTA_TLS_CERT: cert, OTA_TLS_KEY: key }, folder);
    try {
      assert.not.match(await subjectAt(running.url), /renewed/);
      await copyFile(fixture('renewed-cert'), cert);
      await copyFile(fixture('renewed-key'), key);
      running.child.kill('SIGHUP');
      await until('the renewed certificate', async () => /renewed/.test(await subjectAt(running.url)));
      await until('the line', () => /"event":"ota.tls.reload","changed":true/.test(running.stdout()));
    } finally {
      assert.is(await running.end('SIGTERM'), 0);
    }
  }));

test('SIGHUP without a certificate stops in order', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'releases'));
    const running = await startProcess({}, folder);
    assert.is((await call(running.url, 'GET', '/healthz')).status, 200);
    assert.is(await running.end('SIGHUP'), 0);
    assert.match(running.stdout(), /"event":"ota.stop","reason":"SIGHUP"/);
  }));

/** Runs a program as the leader of a session on a terminal of its own, and hangs up when its log holds the text. */
const ON_TERMINAL = `
import os, pty, sys, time
file, text, command = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    if file: os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    os.execvp(command[0], command)
log = b""
while text not in log:
    if file:
        time.sleep(0.02)
        log = open(file, "rb").read() if os.path.exists(file) else b""
    else: log += os.read(terminal, 65536)
os.close(terminal)
for _ in range(1500):
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended: break
    time.sleep(0.02)
else:
    os.kill(child, 9)
    _, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
`;

import { controllerProgram } from './support/programs.ts';

/** The exit code after the terminal is closed; `log` is '' where the terminal shows it. */
async function hungUp(
  settings: Readonly<Record<string, string>>,
  folder: string,
  log: string,
): Promise<string> {
  await mkdir(path.join(folder, 'releases'));
  const { stdout } = await promisify(execFile)(
    'python3',
    ['-c', ON_TERMINAL, log, 'ota.start', ...CONTROLLER],
    { cwd: folder, env: environmentOf(settings, folder) },
  );
  return stdout.trim();
}

test('the terminal that a controller runs and logs on is closed: it stops in order', () =>
  withFolder(async folder => {
    assert.is(await hungUp({}, folder, ''), '0');
    assert.is(existsSync(path.join(folder, 'data', 'ota.db-wal')), false, 'the store was closed');
  }));

test('with a certificate that could be read again it stops all the same, and says so in its log', () =>
  withFolder(async folder => {
    const log = path.join(folder, 'log');
    const settings = { OTA_TLS_CERT: fixture('cert'), OTA_TLS_KEY: fixture('key') };
    assert.is(await hungUp(settings, folder, log), '0');
    assert.match(await readFile(log, 'utf8'), /"event":"ota.stop","reason":"SIGHUP"/);
  }));

test('what may pass by itself exits with 75, so that the unit starts again; a second controller is such a case', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'releases'));
    const running = await startProcess({}, folder);
    try {
      const second = await refused({}, folder);
      assert.is(second.code, 75);
      assert.match(second.stderr, /another controller runs on the data folder.*\[data_folder_locked\]/);
    } finally {
      await running.end('SIGTERM');
    }
  }));

const ROOT = path.resolve(import.meta.dirname, '..');

/** `npm start` with the project's own script, wherever the program lies. */
async function npmStart(folder: string): Promise<{ npm: ChildProcess; log: () => string }> {
  const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  const start = String(scripts.start).replace('dist/controller/main.js', controllerProgram());
  assert.is.not(start, scripts.start);
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name: 'x', scripts: { start } }));
  await mkdir(path.join(folder, 'releases'));
  const npm = spawn('npm', ['start'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      OTA_PORT: '0',
      OTA_ARTIFACTS_IMPORT: '',
      NO_UPDATE_NOTIFIER: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a group of its own, so that a failed test can end what is left
  });
  let text = '';
  npm.stdout?.on('data', chunk => {
    text += String(chunk);
  });
  await until('the start', () => /"event":"ota.start"/.test(text));
  return { npm, log: () => text };
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  test(`npm start that gets ${signal} leaves no controller behind`, () =>
    withFolder(async folder => {
      const { npm, log } = await npmStart(folder);
      // Its output closes when the last process that holds it has ended.
      const closed = once(npm, 'close');
      try {
        npm.kill(signal);
        await until('the stop', () => /"event":"ota.stop"/.test(log()));
        await closed;
      } finally {
        if (npm.pid !== undefined && !/"event":"ota.stop"/.test(log())) process.kill(-npm.pid, 'SIGKILL');
      }
    }));

test.run();
