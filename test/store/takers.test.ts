import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DownloadEvent } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { aState, NOW_MS } from '../support/state.ts';
import { withStore, withTables } from '../support/store.ts';

const IDS = ['d1', 'd2', 'd3', 'd4'];
const withDevices = (use: (store: Store, folder: string) => Promise<void>): Promise<void> =>
  withStore(async (store, folder) => {
    await store.devices.enrol(
      IDS.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    await use(store, folder);
  });

const sent = (store: Store, deviceId: string, over: Partial<DownloadEvent> = {}): Promise<void> =>
  store.outcomes.recordDownload({
    deviceId,
    buildId: 'b42',
    requestId: undefined,
    result: 'ok',
    status: 206,
    bytes: 60,
    atMs: NOW_MS,
    lastByte: false,
    ...over,
  });

const failed = (store: Store, deviceId: string, reason: 'install_failed' | 'timeout', from = 41) =>
  store.outcomes.report({
    deviceId,
    requestId: `r-${deviceId}-${reason}`,
    buildId: 'b42',
    outcome: 'fail',
    reason,
    detail: undefined,
    versionCode: from,
    timingsMs: undefined,
    atMs: NOW_MS + 9,
  });

test('the last byte decides; events of older versions, which do not tell it, count by their sum', () =>
  withDevices(async (store, folder) => {
    await sent(store, 'd1');
    await sent(store, 'd1', { atMs: NOW_MS + 1 });
    await sent(store, 'd2', { bytes: 40, atMs: NOW_MS + 2, lastByte: true });
    await sent(store, 'd2', { status: 200, bytes: 100, atMs: NOW_MS + 5, lastByte: true });
    await sent(store, 'd3');
    await sent(store, 'd3', { atMs: NOW_MS + 3 });
    await sent(store, 'd4', { status: 410, bytes: 0 });
    await withTables(folder, db =>
      db('apk_download_events').where({ device_id: 'd3' }).update({ last_byte: null }),
    );
    const takers = await store.halts.takers('b42', 100);
    assert.equal(takers.map(t => [t.deviceId, t.takenAtMs]).sort(), [
      ['d1', undefined],
      ['d2', NOW_MS + 2],
      ['d3', NOW_MS + 3],
    ]);
  }));

test('an erased device that was sent the whole build leaves its result in the tally; one that was sent half does not', () =>
  withDevices(async store => {
    const applied = { revision: 'r1', treeHash: 't1', appliedAtMs: NOW_MS, formerBuilds: new Map() };
    await store.desired.apply({ ...applied, state: aState(), progress: undefined }, [], [], []);
    await sent(store, 'd1');
    await sent(store, 'd2', { lastByte: true });
    for (const id of ['d1', 'd2']) await store.devices.erase(id);
    assert.equal(await store.halts.erased('b42'), [{ evidenceClass: 'taken', devices: 1 }]);
  }));

test('failures by reason, SDK and the version before; who was never sent the build is left out', () =>
  withDevices(async store => {
    for (const id of ['d1', 'd2', 'd3']) await sent(store, id, { lastByte: true });
    for (const [deviceId, sdk] of [
      ['d1', 29],
      ['d2', 29],
      ['d3', undefined],
      ['d4', 29],
    ] as const)
      store.devices.checkIn({
        deviceId,
        atMs: NOW_MS,
        versionCode: 41,
        buildId: undefined,
        sdk,
        signer: undefined,
      });
    await store.devices.flush();
    await failed(store, 'd1', 'timeout');
    for (const id of ['d1', 'd2', 'd4']) await failed(store, id, 'install_failed');
    await failed(store, 'd3', 'timeout', 40);
    assert.equal(await store.halts.failed('b42', 10), [
      { reason: 'install_failed', sdk: 29, fromVersionCode: 41, devices: 2 },
      { reason: 'timeout', sdk: undefined, fromVersionCode: 40, devices: 1 },
    ]);
    assert.is((await store.halts.failed('b42', 1)).length, 1);
  }));

test.run();
