/** Downloads have a budget: beyond it a device is told when to come back, and holds it against nobody. */
import { get } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet, type FleetSummary } from '../../agent/fleet/fleet.ts';
import { type Journey, withController } from '../support/controller.ts';
import { call, eventually } from '../support/http.ts';

const IDS = Array.from({ length: 12 }, (_, i) => `tablet-${i}`);
const BASE = { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } } as const;
/** Waits are this many times shorter for the agents: they are told to come back in ten seconds. */
const SCALE = 50;

/** Every device asks at once and goes on until it runs b42. */
async function updateAll(journey: Journey, onWait: () => void): Promise<FleetSummary> {
  await journey.merge(BASE);
  const enrolled = await journey.enrol(IDS);
  await journey.merge(100);
  const installed = new Set<string>();
  let all: () => void = () => {};
  const done = new Promise<void>(resolve => {
    all = resolve;
  });
  const fleet = new Fleet({
    url: journey.url,
    seed: 5,
    scale: SCALE,
    onEvent: (deviceId, event) => {
      if (event.type === 'ota.download.wait') onWait();
      if (event.type === 'ota.report' && event.result === 'accepted') installed.add(deviceId);
      if (installed.size === IDS.length) all();
    },
    devices: enrolled.map(d => ({
      deviceId: d.device_id,
      token: d.token,
      versionCode: 41,
      buildId: 'b41',
      signer: journey.builds.b41.build.signerFingerprint,
    })),
  });
  try {
    await fleet.start();
    await done;
    return fleet.summary();
  } finally {
    await fleet.stop();
  }
}

/** Begins a download and takes none of it: its place stays taken until the function it resolves to is called. */
async function occupy(journey: Journey): Promise<() => void> {
  const [device] = await journey.enrol(['dawdler']);
  const headers = { authorization: `Bearer ${device?.token}` };
  return new Promise((resolve, reject) => {
    const request = get(`${journey.url}/v1/agent/builds/b42/apk`, { headers, agent: false }, response => {
      response.pause();
      if (response.statusCode === 200) resolve(() => request.destroy());
      else reject(new Error(`the dawdler got ${response.statusCode}`));
    });
    request.on('error', reject);
  });
}

const inTurn = async (journey: Journey, onWait: () => void): Promise<void> => {
  const { events, results, running } = await updateAll(journey, onWait);
  assert.ok((events['ota.download.wait'] ?? 0) > 0, 'somebody had to wait');
  assert.is(events['ota.download.fail'] ?? 0, 0);
  assert.equal(results, { 'ok/installed': IDS.length });
  assert.equal(running, { 42: IDS.length });
};

test('one download at a time: devices wait their turn, none counts it as a failure, all get there', () =>
  withController(
    async journey => {
      await journey.merge(100);
      const release = await occupy(journey);
      await inTurn(journey, release);
      // The dawdler's own.
      assert.is(await journey.metric('ota_downloads_total', { result: 'fail' }), 1);
    },
    // More than the sockets' buffers hold, so that an unread download does not end.
    { settings: { OTA_DOWNLOAD_CONCURRENCY: '1' }, apkBytes: 16_000_000 },
  ));

test('a megabit a second: devices wait their turn, none counts it as a failure, all get there', () =>
  withController(
    async journey => {
      await inTurn(journey, () => undefined);
      assert.is(await journey.metric('ota_downloads_total', { result: 'fail' }), 0);
    },
    { settings: { OTA_DOWNLOAD_BUDGET_MBPS: '1' }, apkBytes: 25_000 },
  ));

test('beyond the budget the answer is 503 with Retry-After, and no attempt is recorded', () =>
  withController(
    async journey => {
      await journey.merge(100);
      const [first, second] = await journey.enrol(['kiosk-1', 'kiosk-2']);
      const fetchApk = (token: string | undefined) =>
        call(journey.url, 'GET', '/v1/agent/builds/b42/apk', { token });
      assert.is((await fetchApk(first?.token)).status, 200);
      const refused = await fetchApk(second?.token);
      assert.is(refused.status, 503);
      assert.is(refused.json.code, 'busy');
      // 600,000 bytes at a megabit a second, of which one second's worth stood ready.
      const waitS = Number(refused.headers['retry-after']);
      assert.ok(waitS >= 3 && waitS <= 4, `${waitS}`);
      // The row of a download follows its last byte.
      const stats = () => journey.controller.store.outcomes.downloadStats('b42');
      await eventually(async () => (await stats()).downloads === 1);
      const { downloads, fails } = await stats();
      assert.equal([downloads, fails], [1, 0]);
    },
    { settings: { OTA_DOWNLOAD_BUDGET_MBPS: '1' }, apkBytes: 600_000 },
  ));

test.run();
