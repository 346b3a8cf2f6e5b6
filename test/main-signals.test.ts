/** The process and its signals, and the exit codes that a service manager goes by. */
import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connect } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until, withFolder } from './support/folder.ts';
import { call } from './support/http.ts';
import { refused, startProcess } from './support/process.ts';

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

/** `npm start` with the project's own script, on the sources instead of `dist`. */
async function npmStart(folder: string): Promise<{ npm: ChildProcess; log: () => string }> {
  const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  const sources = `--import ${import.meta.resolve('tsx')} ${path.join(ROOT, 'controller/main.ts')}`;
  const start = String(scripts.start).replace('dist/controller/main.js', sources);
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
