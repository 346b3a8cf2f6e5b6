/** The leader is lost: killed, paused, cut off from the database. Another leads, and nothing that was acknowledged is gone. */
import { readFile } from 'node:fs/promises';
import { createServer, connect as dial, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Api from '../../schemas/api.d.ts';
import { until, withFolder } from '../support/folder.ts';
import { anApk, call, sha256Of } from '../support/http.ts';
import { databaseOf } from '../support/postgres.ts';
import { type Running, startProcess } from '../support/process.ts';
import { releaseFiles } from '../support/releases.ts';
import { makeRepository } from '../support/repository.ts';
import { aRollout, aState } from '../support/state.ts';

interface Scene {
  /** `database`: where it finds it, when that is not where the others do. */
  start(name: string, database?: string): Promise<Running>;
  readonly databaseUrl: string;
  /** Of the first operator. */
  readonly token: () => Promise<string>;
  readonly commit: (percent: number) => Promise<string>;
}

const withControllers = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const database = await databaseOf(folder);
    if (database === undefined) throw new Error('these tests run on PostgreSQL');
    const repository = await makeRepository(`${folder}/repository`);
    const builds = [await anApk(41), await anApk(42)];
    const running: Running[] = [];
    const scene: Scene = {
      databaseUrl: database.url,
      start: async (name, url = database.url) => {
        const one = await startProcess(
          {
            OTA_DATA: `${folder}/${name}`,
            OTA_ARTIFACTS: `${folder}/apks`,
            OTA_DATABASE: url,
            OTA_TOKEN_KEY: `k1:${'5'.repeat(64)}`,
            OTA_NUDGE_KEY: '7'.repeat(64),
            OTA_SOURCE: pathToFileURL(repository.folder).href,
            OTA_SOURCE_INTERVAL: '1s',
            OTA_LEASE: '1s',
            OTA_STALE_MAX: '10s',
            OTA_CHECKS_PER_MINUTE: '10000',
          },
          folder,
        );
        running.push(one);
        return one;
      },
      token: async () => (await readFile(`${folder}/first/admin-token`, 'utf8')).trim(),
      commit: percent =>
        repository.commit(
          releaseFiles(aState({ builds: builds.map(b => b.build), rollout: aRollout(percent) })),
          {
            atMs: Date.now(),
          },
        ),
    };
    try {
      const first = await scene.start('first');
      const token = await scene.token();
      for (const { apk } of builds) {
        const type = 'application/vnd.android.package-archive';
        const put = await call(first.url, 'PUT', `/v1/artifacts/${sha256Of(apk)}`, {
          token,
          body: apk,
          type,
        });
        assert.is(put.status, 201);
      }
      await scene.commit(100);
      await use({
        ...scene,
        start: (name, url) => (name === 'first' ? Promise.resolve(first) : scene.start(name, url)),
      });
    } finally {
      for (const { child } of running) child.kill('SIGKILL');
    }
  });

const enrol = async (url: string, token: string, device_id: string): Promise<string> => {
  const { status, json } = await call(url, 'POST', '/v1/devices', { token, json: { device_id, tags: [] } });
  assert.is(status, 201);
  return (json as Api.Credentials).token;
};

const check = async (url: string, token: string): Promise<number> =>
  (await call(url, 'GET', '/v1/agent/update?version_code=41&build_id=b41&sdk=33', { token })).status;

const report = (url: string, token: string, n: number) =>
  call(url, 'POST', '/v1/action-result', {
    token,
    json: {
      request_id: `req-takeover-${n}`,
      build_id: 'b42',
      outcome: 'ok',
      reason: 'installed',
      version_code: 42,
    },
  });

const revisionOf = async (url: string): Promise<string | undefined> =>
  ((await call(url, 'GET', '/readyz')).json as { revision?: string }).revision;

async function replicasTold(url: string, token: string): Promise<string> {
  const { json } = await call(url, 'GET', '/v1/health', { token });
  return (json as Api.HealthReport).checks.find(c => c.part === 'replicas')?.text ?? '';
}

test('a leader that is killed: the other goes on serving, leads, and has every result that was acknowledged', () =>
  withControllers(async ({ start, token, commit }) => {
    const [first, second] = [await start('first'), await start('second')];
    const device = await enrol(first.url, await token(), 'kiosk-1');
    await until('both offer it', async () => (await check(second.url, device)) === 200);
    for (let n = 0; n < 5; n += 1) assert.is((await report(first.url, device, n)).status, 200);
    assert.is(await first.end('SIGKILL'), 'SIGKILL');
    assert.is(await check(second.url, device), 200, 'at once');
    for (let n = 0; n < 5; n += 1) {
      const { json } = await report(second.url, device, n);
      assert.ok((json as Api.ActionResultTaken).repeated, `result ${n} was kept`);
    }
    const merged = await commit(0);
    await until('what is merged now governs', async () => (await revisionOf(second.url)) === merged);
    assert.is(await check(second.url, device), 204);
    const said = await replicasTold(second.url, await token());
    assert.is(said.match(/ leads/g)?.length, 1, said);
    assert.is(await second.end('SIGTERM'), 0);
  }));

test('a leader that is paused and wakes has written nothing since another leads, and starts again to follow it', () =>
  withControllers(async ({ start, token, commit }) => {
    const [first, second] = [await start('first'), await start('second')];
    const device = await enrol(first.url, await token(), 'kiosk-1');
    await until('both offer it', async () => (await check(second.url, device)) === 200);
    const ended = new Promise(resolve => first.child.once('close', resolve));
    first.child.kill('SIGSTOP');
    const merged = await commit(0);
    await until('the other leads', async () => (await revisionOf(second.url)) === merged);
    first.child.kill('SIGCONT');
    assert.is(await ended, 75, 'a service manager starts it again');
    assert.is(await check(second.url, device), 204, 'nothing was put back');
    const again = await start('first-again');
    assert.is(await check(again.url, device), 204);
    const said = await replicasTold(second.url, await token());
    assert.match(said, / follows/);
    assert.is(said.match(/ leads/g)?.length, 1, said);
  }));

test('a leader that is stopped in good order hands over, and the next one does not wait for its lease', () =>
  withControllers(async ({ start, token, commit }) => {
    const [first, second] = [await start('first'), await start('second')];
    const device = await enrol(first.url, await token(), 'kiosk-1');
    assert.is(await first.end('SIGTERM'), 0);
    const merged = await commit(0);
    await until('the other leads', async () => (await revisionOf(second.url)) === merged);
    assert.is(await check(second.url, device), 204);
  }));

/** A way to the database that can be cut: what is sent over it is then lost, and no connection is closed. */
async function cuttable(
  to: string,
): Promise<{ url: string; cut(): void; mend(): void; close(): Promise<void> }> {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer(near => {
    const far = dial(Number(port), hostname);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', chunk => {
        if (!isCut) into.write(chunk);
      });
      from.on('error', () => into.destroy());
      from.on('close', () => {
        sockets.delete(from);
        if (!isCut) into.destroy();
      });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(to);
  through.port = String((server.address() as { port: number }).port);
  return {
    url: through.href,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

test('a follower that is cut off from the database stops offering, and follows again when it is back', () =>
  withControllers(async ({ start, token, commit, databaseUrl }) => {
    const way = await cuttable(databaseUrl);
    try {
      const [first, second] = [await start('first'), await start('second', way.url)];
      const device = await enrol(first.url, await token(), 'kiosk-1');
      await until('both offer it', async () => (await check(second.url, device)) === 200);
      way.cut();
      const merged = await commit(0);
      await until('the leader offers nothing', async () => (await check(first.url, device)) === 204);
      await until('nor does the other, after a while', async () => (await check(second.url, device)) === 204);
      assert.is((await call(second.url, 'GET', '/readyz')).status, 200, 'a balancer leaves it in');
      way.mend();
      await until('it follows', async () => (await revisionOf(second.url)) === merged);
      const next = await commit(100);
      await until('and goes on', async () => (await revisionOf(second.url)) === next);
      assert.is(await check(second.url, device), 200);
    } finally {
      await way.close();
    }
  }));

test.run();
