/** A controller with few file descriptors and many idle strangers: it lives, answers, and still reads its source. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../support/folder.ts';
import { anApk, call, eventually, sha256Of } from '../support/http.ts';
import { startProcess } from '../support/process.ts';
import { releaseFiles } from '../support/releases.ts';
import { makeRepository } from '../support/repository.ts';
import { aRollout, aState } from '../support/state.ts';

test('400 idle connections on 256 descriptors: a check, an operator and a new commit get through', () =>
  withFolder(async folder => {
    const [b41, b42] = [await anApk(41), await anApk(42)];
    const repository = await makeRepository(path.join(folder, 'repository'));
    const commit = (percent: number) =>
      repository.commit(releaseFiles(aState({ rollout: aRollout(percent), builds: [b41.build, b42.build] })));
    await commit(1);
    const source = pathToFileURL(repository.folder).href;
    const data = path.join(folder, 'data');
    const running = await startProcess({ OTA_DATA: data, OTA_SOURCE: source }, folder, { descriptors: 256 });
    const sockets: Socket[] = [];
    try {
      const admin = (await readFile(path.join(data, 'admin-token'), 'utf8')).trim();
      const ask = (method: string, target: string, options = {}) =>
        call(running.url, method, target, { token: admin, ...options });
      for (const { apk } of [b41, b42])
        await ask('PUT', `/v1/artifacts/${sha256Of(apk)}`, { body: apk, type: 'application/octet-stream' });
      const { token } = (await ask('POST', '/v1/devices', { json: { device_id: 'kiosk-7' } })).json;
      assert.is((await ask('POST', '/v1/reconcile')).status, 200);
      const { hostname, port } = new URL(running.url);
      for (let i = 0; i < 400; i += 1) {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined).resume();
        sockets.push(socket);
        await once(socket, 'connect');
      }
      const check = await call(running.url, 'GET', '/v1/agent/update?version_code=41', { token });
      assert.ok([200, 204].includes(check.status), `${check.status}`);
      const revision = await commit(50);
      const reconciled = await ask('POST', '/v1/reconcile');
      assert.equal([reconciled.status, reconciled.json.applied_revision], [200, revision]);
      assert.is((await ask('GET', '/v1/rollout')).json.exposure.effective_percent, 50);
      await eventually(() => running.stdout().includes('"event":"ota.listener.full"'));
      assert.match(running.stdout(), /"event":"ota.listener.full","listener":"main"/);
    } finally {
      for (const socket of sockets) socket.destroy();
      assert.is(await running.end('SIGTERM'), 0);
    }
  }));

test.run();
