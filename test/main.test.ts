/** The process: what it refuses, how it ends, and what kill -9 leaves behind. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until, withFolder } from './support/folder.ts';
import { anApk, call } from './support/http.ts';
import { refused, startProcess } from './support/process.ts';
import { releaseFiles } from './support/releases.ts';
import { makeRepository } from './support/repository.ts';
import { aRollout, aState } from './support/state.ts';

test('an unknown setting: an error that names it, exit code 2, no stack', () =>
  withFolder(async folder => {
    const { code, stderr } = await refused({ OTA_PROT: '80' }, folder);
    assert.is(code, 2);
    assert.match(stderr, /OTA_PROT: unknown setting; did you mean OTA_PORT\?/);
    assert.not.match(stderr, /\bat .*:\d+:\d+/);
  }));

test('a port in use is named in the error', () =>
  withFolder(async folder => {
    const other = createServer();
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await refused({ OTA_PORT: String(port) }, folder);
    other.close();
    assert.is(code, 75, 'it may pass: start again');
    assert.match(stderr, new RegExp(`127.0.0.1:${port} is in use by another program.*\\[port_in_use\\]`));
  }));

test('a data folder whose parent is missing, or that cannot be written', () =>
  withFolder(async folder => {
    const missing = await refused({ OTA_DATA: path.join(folder, 'no', 'such', 'place') }, folder);
    assert.is(missing.code, 2);
    assert.match(missing.stderr, /data_folder_unwritable/);
    await writeFile(path.join(folder, 'file'), '');
    const file = await refused({ OTA_DATA: path.join(folder, 'file') }, folder);
    assert.is(file.code, 2);
    assert.match(file.stderr, /data_folder_unwritable/);
  }));

test('plain HTTP beyond loopback is refused without a trusted proxy', () =>
  withFolder(async folder => {
    const { code, stderr } = await refused({ OTA_HOST: '0.0.0.0' }, folder);
    assert.is(code, 2);
    assert.match(stderr, /refusing plain HTTP on 0\.0\.0\.0.*\[insecure_listener\]/);
  }));

test('the path of a repository is refused with the URL to write instead', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const { code, stderr } = await refused({ OTA_SOURCE: repository.folder }, folder);
    assert.is(code, 2);
    assert.match(stderr, pathToFileURL(repository.folder).href);
  }));

test('TLS by certificate settings, HSTS when asked for', () =>
  withFolder(async folder => {
    const fixture = (name: string) => path.resolve(import.meta.dirname, 'fixtures/tls', name);
    const running = await startProcess(
      {
        OTA_TLS_CERT: fixture('cert.pem'),
        OTA_TLS_KEY: fixture('key.pem'),
        OTA_HSTS_MAX_AGE: '600',
        OTA_HOST: '0.0.0.0',
        OTA_PUBLIC_URL: 'https://ota.example',
      },
      folder,
    );
    try {
      const { Agent, request } = await import('undici');
      const dispatcher = new Agent({
        connect: { ca: await readFile(fixture('cert.pem')), servername: 'localhost' },
      });
      const answer = await request(`${running.url.replace('0.0.0.0', '127.0.0.1')}/healthz`, { dispatcher });
      assert.is(answer.statusCode, 200);
      assert.match(String(answer.headers['strict-transport-security']), /max-age=600/);
      await answer.body.dump();
      await dispatcher.destroy();
    } finally {
      await running.end('SIGTERM');
    }
  }));

test('SIGTERM ends in order, with code 0 and every log line written', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'releases'));
    const running = await startProcess({}, folder);
    assert.is((await call(running.url, 'GET', '/healthz')).status, 200);
    assert.is(await running.end('SIGTERM'), 0);
    assert.match(running.stdout(), /"event":"ota.stop","reason":"SIGTERM"/);
  }));

test('kill -9 during a reconcile: the old or the new revision stands, never half, and the next start goes on', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const built = [await anApk(41), await anApk(42)];
    const apks = path.join(folder, 'apks');
    await mkdir(apks);
    for (const { apk, build } of built) await writeFile(path.join(apks, `${build.buildId}.apk`), apk);
    const settings = {
      OTA_DATA: path.join(folder, 'data'),
      OTA_SOURCE: pathToFileURL(repository.folder).href,
      OTA_SOURCE_INTERVAL: '1s',
      OTA_ARTIFACTS_IMPORT: apks,
    };
    const commit = (percent: number) =>
      repository.commit(
        releaseFiles(
          aState({
            builds: built.map(b => b.build),
            rollout: aRollout({ exposure: { kind: 'percent', percent } }),
          }),
        ),
      );
    const applied: [revision: string, percent: number][] = [];
    for (const [round, killAfterMs] of [0, 15, 40, 80, 140].entries()) {
      const running = await startProcess(settings, folder);
      const percent = 10 + round;
      const revision = await commit(percent);
      applied.push([revision, percent]);
      await new Promise(resolve => setTimeout(resolve, killAfterMs));
      assert.is(await running.end('SIGKILL'), 'SIGKILL');
    }
    const running = await startProcess(settings, folder);
    try {
      const token = (await readFile(path.join(folder, 'data', 'admin-token'), 'utf8')).trim();
      const [last, lastPercent] = applied.at(-1) ?? ['', 0];
      await until('the newest revision', async () => {
        const answer = await call(running.url, 'GET', '/v1/rollout', { token });
        if (answer.status !== 200) return false;
        const view = answer.json as {
          revision: string | null;
          exposure: { declared_percent: number } | null;
        };
        // Whatever stands, stands whole: its percentage is the one that was committed with it. On a slow machine each
        // kill came before the first revision, and then nothing stands.
        const known = applied.find(([revision]) => revision === view.revision);
        assert.is(view.exposure?.declared_percent, known?.[1]);
        return view.revision === last && view.exposure?.declared_percent === lastPercent;
      });
    } finally {
      await running.end('SIGTERM');
    }
  }));

test.run();
