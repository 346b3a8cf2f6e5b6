/** The APK download: SPEC §5, with really signed APKs over real HTTP. */
import { once } from 'node:events';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../../controller/domain/decision.ts';
import type { Build, Rollout } from '../../../controller/domain/release.ts';
import type { HttpSettings } from '../../../controller/http/options.ts';
import { anApk, eventually, sha256Of, stored, type TestServer, withServer } from '../../support/http.ts';
import { aSnapshot, aState } from '../../support/state.ts';

interface Scene {
  readonly server: TestServer;
  readonly token: string;
  readonly b41: { apk: Buffer; build: Build };
  readonly b42: { apk: Buffer; build: Build };
  readonly snapshot: (rollout: Partial<Rollout> | number) => Snapshot;
}

const [b41, b42] = [await anApk(41), await anApk(42, { sizeBytes: 3_000_000 })];

const withScene = (settings: Partial<HttpSettings>, use: (scene: Scene) => Promise<void>): Promise<void> =>
  withServer({ settings: { requestsPerMinute: 10_000, ...settings } }, async server => {
    const snapshot = (rollout: Partial<Rollout> | number) =>
      aSnapshot(aState({ rollout, builds: [b41.build, b42.build] }));
    server.world.snapshot = snapshot(100);
    await stored(server, b41.apk);
    await stored(server, b42.apk);
    await use({ server, token: await server.enrol('kiosk-7'), b41, b42, snapshot });
  });

const PATH = '/v1/agent/builds/b42/apk';

/** Rows are written once the transfer has ended, which the client may see first. */
async function rows(server: TestServer, count: number, deviceId = 'kiosk-7') {
  const read = async () => (await server.store.outcomes.history(deviceId, 100)).downloads;
  await eventually(async () => (await read()).length >= count);
  return read();
}

for (const memoryApkBytes of [0, 64 * 1_048_576])
  test(`the whole APK is sent from ${memoryApkBytes === 0 ? 'disk' : 'memory'}, named by its digest`, () =>
    withScene({ memoryApkBytes }, async ({ server, token }) => {
      const headers = { 'Ota-Request-Id': 'request-0001' };
      const answer = await server.call('GET', PATH, { token, headers });
      assert.is(answer.status, 200);
      assert.ok(answer.body.equals(b42.apk));
      assert.is(answer.headers.etag, `"${b42.build.sha256}"`);
      const digest = Buffer.from(b42.build.sha256, 'hex').toString('base64');
      assert.is(answer.headers['repr-digest'], `sha-256=:${digest}:`);
      assert.is(answer.headers['content-length'], String(b42.apk.length));
      assert.is(answer.headers['accept-ranges'], 'bytes');
      const [row] = await rows(server, 1);
      assert.equal(
        [row?.buildId, row?.requestId, row?.result, row?.status, row?.bytes],
        ['b42', 'request-0001', 'ok', 200, b42.apk.length],
      );
      const [event] = server.of('ota.download.200');
      assert.equal([event?.buildId, event?.bytes, event?.requestId], ['b42', b42.apk.length, 'request-0001']);
    }));

for (const memoryApkBytes of [0, 64 * 1_048_576])
  test(`a download resumes by Range and If-Range from ${memoryApkBytes === 0 ? 'disk' : 'memory'}`, () =>
    withScene({ memoryApkBytes }, async ({ server, token }) => {
      const etag = `"${b42.build.sha256}"`;
      const part = (range: string, ifRange?: string) =>
        server.call('GET', PATH, { token, headers: { range, ...(ifRange && { 'if-range': ifRange }) } });
      const rest = await part('bytes=1500000-', etag);
      assert.is(rest.status, 206);
      assert.is(rest.headers['content-range'], `bytes 1500000-${b42.apk.length - 1}/${b42.apk.length}`);
      assert.ok(rest.body.equals(b42.apk.subarray(1_500_000)));
      const middle = await part('bytes=1048570-1048580');
      assert.ok(middle.body.equals(b42.apk.subarray(1_048_570, 1_048_581)));
      const changed = await part('bytes=1500000-', '"another"');
      assert.is(changed.status, 200);
      assert.is(changed.body.length, b42.apk.length);
      assert.equal(
        (await rows(server, 3)).map(row => [row.status, row.bytes]).sort(),
        [
          [200, b42.apk.length],
          [206, 11],
          [206, b42.apk.length - 1_500_000],
        ].sort(),
      );
    }));

test('a Range beyond the end is 416 with the size', () =>
  withScene({}, async ({ server, token }) => {
    const answer = await server.call('GET', PATH, { token, headers: { range: `bytes=${b42.apk.length}-` } });
    assert.is(answer.status, 416);
    assert.is(answer.json.code, 'range_not_satisfiable');
    assert.is(answer.headers['content-range'], `bytes */${b42.apk.length}`);
    assert.is(answer.headers['repr-digest'], undefined);
    assert.equal(
      (await rows(server, 1)).map(row => [row.result, row.status]),
      [['range_not_satisfiable', 416]],
    );
    assert.is(server.of('ota.download.fail')[0]?.code, 'range_not_satisfiable');
  }));

test('an agent that has these bytes gets 304, and HEAD answers without sending or counting', () =>
  withScene({}, async ({ server, token }) => {
    const headers = { 'if-none-match': `"${b42.build.sha256}"`, 'cache-control': 'no-cache' };
    const same = await server.call('GET', PATH, { token, headers });
    assert.equal([same.status, same.body.length], [304, 0]);
    await eventually(() => server.of('ota.download.304').length > 0);
    assert.equal(server.of('ota.download.200'), []);
    assert.is(server.of('ota.download.304')[0]?.buildId, 'b42');
    assert.equal(
      (await rows(server, 1)).map(row => [row.status, row.bytes]),
      [[304, 0]],
    );
    const head = await server.call('HEAD', PATH, { token });
    assert.equal([head.status, head.headers['content-length']], [200, String(b42.apk.length)]);
    assert.is((await server.store.outcomes.history('kiosk-7', 10)).downloads.length, 1);
  }));

test('only the build that the server would offer is downloaded, whatever version is claimed', () =>
  withScene({}, async ({ server, token, snapshot }) => {
    const status = async (path: string) => (await server.call('GET', path, { token })).status;
    assert.is(await status('/v1/agent/builds/b41/apk'), 410);
    server.world.snapshot = snapshot(0);
    assert.is(await status('/v1/agent/builds/b41/apk'), 200);
    assert.is(await status(PATH), 410);
    server.world.snapshot = snapshot({
      canary: { tags: ['qa'], devices: [], cohorts: [] },
      exposure: { kind: 'percent', percent: 0 },
    });
    assert.is(await status(PATH), 410);
    await server.store.devices.setTags('kiosk-7', ['qa']);
    assert.is(await status(PATH), 200);
    const unknown = await server.call('GET', '/v1/agent/builds/b99/apk', { token });
    assert.equal([unknown.status, unknown.json.code], [404, 'build_unknown']);
    assert.is(await status('/v1/agent/builds/..%2f..%2fetc%2fpasswd/apk'), 404);
  }));

test('the last reported SDK decides which build may be downloaded', () =>
  withScene({}, async ({ server, token }) => {
    const high = { ...b42.build, minSdk: 33 };
    server.world.snapshot = aSnapshot(aState({ rollout: 100, builds: [b41.build, high] }));
    assert.is((await server.call('HEAD', PATH, { token })).status, 200);
    await server.call('GET', '/v1/agent/update?version_code=40&sdk=30', { token });
    assert.is((await server.call('HEAD', PATH, { token })).status, 410);
    assert.is((await server.call('HEAD', '/v1/agent/builds/b41/apk', { token })).status, 200);
  }));

test('a rollback stops further ranges at once', () =>
  withScene({}, async ({ server, token, snapshot }) => {
    const headers = { range: 'bytes=0-99' };
    assert.is((await server.call('GET', PATH, { token, headers })).status, 206);
    server.world.snapshot = snapshot({ rollback: true });
    const answer = await server.call('GET', PATH, { token, headers: { range: 'bytes=100-' } });
    assert.equal([answer.status, answer.json.code], [410, 'build_not_offered']);
    const [row] = await rows(server, 2);
    assert.equal([row?.result, row?.status, row?.bytes], ['build_not_offered', 410, 0]);
  }));

/** A download whose receiver reads nothing, so that it stands in the middle. */
async function stalledDownload(server: TestServer, token: string): Promise<Socket> {
  const socket = connect(server.listener.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}

const big = await anApk(43, { sizeBytes: 24_000_000 });

const withBig = (
  settings: Partial<HttpSettings>,
  use: (server: TestServer, token: string) => Promise<void>,
) =>
  withServer({ settings: { requestsPerMinute: 10_000, ...settings } }, async server => {
    const b42 = { ...big.build, buildId: 'b42' };
    server.world.snapshot = aSnapshot(aState({ rollout: 100, builds: [b41.build, b42] }));
    await stored(server, b41.apk);
    await stored(server, big.apk);
    await use(server, await server.enrol('kiosk-7'));
  });

/** The receiver takes nothing, so that only a look by itself can end the transfer. */
const cutBy = (change: (server: TestServer) => unknown) =>
  withBig({}, async server => {
    const token = await server.enrol('kiosk-9');
    const socket = await stalledDownload(server, token);
    socket.on('error', () => undefined);
    await change(server);
    const [row] = await rows(server, 1, 'kiosk-9');
    assert.equal([row?.result, row?.status], ['build_not_offered', 200]);
    assert.ok((row?.bytes ?? 0) < big.apk.length);
    socket.destroy();
  });

test('a device that is revoked in the middle of a download gets no more of it', () =>
  cutBy(server => server.store.devices.revoke('kiosk-9', server.world.nowMs)));

test('a device that is deleted in the middle of a download gets no more of it', () =>
  withBig({}, async server => {
    const socket = await stalledDownload(server, await server.enrol('kiosk-9'));
    socket.on('error', () => undefined);
    await server.store.devices.erase('kiosk-9');
    await eventually(() => server.of('ota.download.fail').length > 0);
    assert.is(server.of('ota.download.fail')[0]?.code, 'build_not_offered');
    socket.destroy();
  }));

test('a canary that loses its tag in the middle of a download gets no more of it', () =>
  withBig({}, async server => {
    const builds = [...(server.world.snapshot?.state.builds.values() ?? [])];
    const canary = { tags: ['qa'], devices: [], cohorts: [] };
    const exposure = { kind: 'percent', percent: 0 } as const;
    server.world.snapshot = aSnapshot(aState({ rollout: { canary, exposure }, builds }));
    const socket = await stalledDownload(server, await server.enrol('kiosk-9', ['qa']));
    socket.on('error', () => undefined);
    await server.store.devices.setTags('kiosk-9', []);
    assert.is((await rows(server, 1, 'kiosk-9'))[0]?.result, 'build_not_offered');
    socket.destroy();
  }));

test('a halt ends a transfer whose receiver has just stopped reading', () =>
  cutBy(server => {
    const builds = [...(server.world.snapshot?.state.builds.values() ?? [])];
    server.world.snapshot = aSnapshot(aState({ rollout: { rollback: true }, builds }));
  }));

test('a rollback cuts a transfer that is under way', () =>
  withBig({}, async (server, token) => {
    const socket = await stalledDownload(server, token);
    const builds = [...(server.world.snapshot?.state.builds.values() ?? [])];
    server.world.snapshot = aSnapshot(aState({ rollout: { rollback: true }, builds }));
    let received = 0;
    socket.on('data', chunk => {
      received += chunk.length;
    });
    await once(socket, 'close');
    assert.ok(received < big.apk.length, `${received}`);
    const [row] = await rows(server, 1);
    assert.is(row?.result, 'build_not_offered');
    assert.is(server.of('ota.download.fail')[0]?.code, 'build_not_offered');
  }));

test('an aborted download is a row and ota.download.fail, and gives its place back', () =>
  withBig({ downloadsPerDevice: 1 }, async (server, token) => {
    const socket = await stalledDownload(server, token);
    const second = await server.call('GET', PATH, { token });
    assert.equal(
      [second.status, second.json.code, second.headers['retry-after']],
      [429, 'download_limit', '10'],
    );
    socket.destroy();
    const [row] = await rows(server, 1);
    assert.equal([row?.result, row?.status], ['aborted', 200]);
    assert.ok((row?.bytes ?? 0) < big.apk.length);
    assert.is((await server.call('GET', PATH, { token, headers: { range: 'bytes=0-9' } })).status, 206);
  }));

test('a download whose receiver reads nothing is aborted', () =>
  withBig({ stallMs: 50 }, async (server, token) => {
    const socket = await stalledDownload(server, token);
    const [row] = await rows(server, 1);
    assert.is(row?.result, 'stalled');
    socket.destroy();
  }));

test('beyond the budget a download is 503 with Retry-After and no failed attempt', () =>
  withScene({ downloadBytesPerS: 1_000_000 }, async ({ server, token }) => {
    assert.is((await server.call('GET', PATH, { token })).status, 200);
    const shed = await server.call('GET', PATH, { token });
    assert.equal([shed.status, shed.json.code], [503, 'busy']);
    assert.ok(Number(shed.headers['retry-after']) >= 1);
    assert.equal(
      (await rows(server, 1)).map(row => row.result),
      ['ok'],
    );
    assert.equal(server.of('ota.download.fail'), []);
    server.world.monotonicMs += Number(shed.headers['retry-after']) * 1000;
    assert.is((await server.call('GET', PATH, { token })).status, 200);
  }));

test('resumes are not counted as whole downloads: the cap is what was sent, in times of the APK', () =>
  withScene({ downloadsPerDay: 2 }, async ({ server, token }) => {
    const size = b42.apk.length;
    const half = Math.ceil(size / 2);
    const ask = (range?: string) =>
      server.call('GET', PATH, { token, ...(range === undefined ? {} : { headers: { range } }) });
    // On a poor line: fifty resumes of a few bytes cost what they send.
    for (let i = 0; i < 50; i += 1) assert.is((await ask('bytes=0-9')).status, 206);
    await rows(server, 50);
    assert.is((await ask()).status, 200);
    await rows(server, 51);
    server.world.nowMs += 3_600_000;
    assert.is((await ask(`bytes=0-${half}`)).status, 206);
    await rows(server, 52);
    server.world.nowMs += 3_600_000;
    assert.is((await ask(`bytes=${half}-`)).status, 206);
    await rows(server, 53);
    const capped = await ask('bytes=0-9');
    assert.equal([capped.status, capped.json.code], [429, 'download_limit']);
    // Once the first rows leave the day there is room: 22 hours, and up to five minutes of this device's own.
    const waitS = Number(capped.headers['retry-after']);
    assert.ok(waitS > 22 * 3600 && waitS <= 22 * 3600 + 301, `${waitS}`);
    const other = await server.enrol('kiosk-8');
    assert.is(
      (await server.call('GET', PATH, { token: other, headers: { range: 'bytes=0-9' } })).status,
      206,
    );
    server.world.nowMs += waitS * 1000;
    assert.is((await ask('bytes=0-9')).status, 206);
  }));

test('an APK lost from the store is 503 artifact_missing, not a crash and not stale memory', () =>
  withScene({}, async ({ server, token }) => {
    assert.is((await server.call('GET', PATH, { token })).status, 200);
    await rm((await server.artifacts.path(b42.build.sha256)) ?? '');
    const answer = await server.call('GET', PATH, { token });
    assert.equal([answer.status, answer.json.code], [503, 'artifact_missing']);
    assert.is((await rows(server, 2))[0]?.result, 'artifact_missing');
  }));

for (const memoryApkBytes of [0, 64 * 1_048_576])
  test(`an APK that was cut short in the store is not sent from ${memoryApkBytes === 0 ? 'disk' : 'memory'}`, () =>
    withScene({ memoryApkBytes }, async ({ server, token }) => {
      const file = (await server.artifacts.path(b42.build.sha256)) ?? '';
      await truncate(file, b42.apk.length - 1);
      for (const method of ['GET', 'HEAD']) {
        const answer = await server.call(method, PATH, { token });
        assert.equal([answer.status, answer.headers.etag], [503, undefined], method);
      }
      await stored(server, b42.apk);
      assert.ok((await server.call('GET', PATH, { token })).body.equals(b42.apk));
    }));

test('an APK that was repaired is not sent from the memory of what it was before', () =>
  withScene({}, async ({ server, token }) => {
    const file = (await server.artifacts.path(b42.build.sha256)) ?? '';
    const rotten = Buffer.from(b42.apk);
    rotten[2_000_000] = (rotten[2_000_000] ?? 0) ^ 1;
    await writeFile(file, rotten);
    assert.ok((await server.call('GET', PATH, { token })).body.equals(rotten), 'nobody has noticed yet');
    await stored(server, b42.apk);
    assert.ok((await server.call('GET', PATH, { token })).body.equals(b42.apk));
  }));

test('one hundred devices at once get the same right bytes', () =>
  withScene({}, async ({ server }) => {
    const json = Array.from({ length: 100 }, (_, i) => ({ device_id: `device-${i}` }));
    const imported = await server.call('POST', '/v1/devices/import', {
      token: await server.admin('devices'),
      json,
    });
    const answers = await Promise.all(
      imported.json.devices.map(async (d: { token: string }) =>
        sha256Of((await server.call('GET', PATH, { token: d.token })).body),
      ),
    );
    assert.equal([...new Set(answers)], [b42.build.sha256]);
    await eventually(() => server.of('ota.download.200').length >= 100);
    assert.is(server.of('ota.download.200').length, 100);
  }));

test.run();
