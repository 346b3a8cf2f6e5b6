/** The process and its signals, and the exit codes that a service manager goes by. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
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

test.run();
