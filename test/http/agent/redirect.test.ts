/** Downloads that an object store serves itself (SPEC §5): for agents that ask for it, and under the same rules. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HttpSettings } from '../../../controller/http/options.ts';
import { anApk, eventually, stored, type TestServer, withServer } from '../../support/http.ts';
import { aSnapshot, aState } from '../../support/state.ts';

const [b41, b42] = [await anApk(41), await anApk(42, { sizeBytes: 300_000 })];
const LINK = 'https://s3.example.com/fleet/b42.apk?X-Amz-Signature=a-secret';
const PATH = '/v1/agent/builds/b42/apk';
const CHECK = '/v1/agent/update?version_code=41&build_id=b41&sdk=33';
const ASKING = { 'Ota-Accept-Redirect': '1', 'Ota-Request-Id': 'attempt-0001' };

interface Scene {
  readonly server: TestServer;
  readonly token: string;
  /** What the object store says of the APK. */
  readonly store: { link: string | undefined };
}

const withScene = (
  use: (scene: Scene) => Promise<void>,
  settings: Partial<HttpSettings> = {},
): Promise<void> => {
  const store: Scene['store'] = { link: LINK };
  return withServer({ settings, apkLinks: { link: async () => store.link } }, async server => {
    server.world.snapshot = aSnapshot(aState({ rollout: 100, builds: [b41.build, b42.build] }));
    await stored(server, b42.apk);
    await use({ server, token: await server.enrol('kiosk-7'), store });
  });
};

const downloads = async ({ store }: TestServer) => (await store.outcomes.history('kiosk-7', 100)).downloads;

test('an agent that asks for it is redirected to the store; the URL is not kept, logged or cached', () =>
  withScene(async ({ server, token }) => {
    const answer = await server.call('GET', PATH, { token, headers: ASKING });
    assert.equal(
      [answer.status, answer.headers.location, answer.headers['cache-control'], answer.body.length],
      [307, LINK, 'no-store', 0],
    );
    for (const name of ['etag', 'repr-digest', 'content-range', 'accept-ranges', 'content-type'])
      assert.is(answer.headers[name], undefined, name);
    const [row] = await downloads(server);
    assert.equal([row?.status, row?.result, row?.bytes, row?.lastByte], [307, 'ok', 0, false]);
    assert.not.match(JSON.stringify([server.events, row]), /a-secret/);
    assert.equal(
      server.of('ota.download.200').map(e => [e.status, e.bytes]),
      [[307, 0]],
    );
  }));

test('all other agents get the bytes, and so does one that asks when the store has no URL for it', () =>
  withScene(async ({ server, token, store }) => {
    for (const value of [undefined, '0', 'yes']) {
      const headers = value === undefined ? {} : { 'Ota-Accept-Redirect': value };
      assert.ok((await server.call('GET', PATH, { token, headers })).body.equals(b42.apk));
    }
    store.link = undefined;
    assert.ok((await server.call('GET', PATH, { token, headers: ASKING })).body.equals(b42.apk));
  }));

test('the controller itself answers HEAD, 304, 416, and a build that is not offered', () =>
  withScene(async ({ server, token }) => {
    const ask = (method: string, headers: Record<string, string> = {}) =>
      server.call(method, PATH, { token, headers: { ...ASKING, ...headers } });
    assert.is((await ask('HEAD')).status, 200);
    assert.is((await ask('GET', { 'If-None-Match': `"${b42.build.sha256}"` })).status, 304);
    assert.is((await ask('GET', { Range: `bytes=${b42.apk.length}-` })).status, 416);
    assert.is((await ask('GET', { Range: 'bytes=1000-' })).status, 307);
    server.world.snapshot = aSnapshot(aState({ rollout: 0, builds: [b41.build, b42.build] }));
    assert.is((await ask('GET')).status, 410);
  }));

test('the daily cap is charged what was asked for', () =>
  withScene(
    async ({ server, token }) => {
      const half = { ...ASKING, Range: `bytes=${Math.floor(b42.apk.length / 2)}-` };
      const whole = await server.call('GET', PATH, { token, headers: ASKING });
      const first = await server.call('GET', PATH, { token, headers: half });
      const second = await server.call('GET', PATH, { token, headers: half });
      const third = await server.call('GET', PATH, { token, headers: half });
      assert.equal(
        [whole, first, second, third].map(a => a.status),
        [307, 307, 307, 429],
      );
      assert.is(third.json.code, 'download_limit');
      const { bytes, downloads: done } = await server.store.outcomes.downloadStats('b42');
      assert.equal([bytes, done], [0, 0], 'nobody knows what the store sent');
    },
    { downloadsPerDay: 2 },
  ));

test('the device took the build when it asks whether the offer still stands, in the same attempt', () =>
  withScene(async ({ server, token }) => {
    const takers = async () =>
      (await server.store.halts.takers('b42', b42.apk.length)).map(t => [t.deviceId, t.takenAtMs]);
    const check = (id: string) => server.call('GET', CHECK, { token, headers: { 'Ota-Request-Id': id } });
    await check('attempt-0001');
    await server.call('GET', PATH, { token, headers: ASKING });
    await check('attempt-0002');
    assert.equal(await takers(), [['kiosk-7', undefined]], 'another attempt says nothing of this one');
    server.world.nowMs += 3_600_000;
    await check('attempt-0001');
    await eventually(async () => (await takers())[0]?.[1] !== undefined);
    const atMs = server.world.nowMs;
    assert.equal(await takers(), [['kiosk-7', atMs]], 'not when it was sent to the store');
    server.world.nowMs += 60_000;
    await check('attempt-0001');
    assert.equal(await takers(), [['kiosk-7', atMs]]);
    assert.is((await server.store.outcomes.downloadStats('b42')).downloads, 1);
    assert.is((await downloads(server)).length, 2);
  }));

test.run();
