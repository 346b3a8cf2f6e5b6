/** How often devices check in: learnt from what they do, kept over a restart, and not learnt from our own absence. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { medianOf } from '../../controller/domain/check-in-gaps.ts';
import type { Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { HOUR_MS, NOW_MS } from '../support/state.ts';
import { openTestStore } from '../support/store.ts';

const IDS = ['d1', 'd2', 'd3'];

async function visits(store: Store, ids: readonly string[], hours: readonly number[]): Promise<void> {
  for (const hour of hours)
    for (const deviceId of ids)
      store.devices.checkIn({
        deviceId,
        atMs: NOW_MS + hour * HOUR_MS,
        versionCode: 41,
        buildId: undefined,
        sdk: undefined,
        signer: undefined,
      });
  await store.devices.flush();
}

const known = (store: Store): { devices: number; medianHours: number | undefined } => {
  const gaps = store.devices.checkInGaps();
  const ms = medianOf(gaps);
  return { devices: gaps.devices, medianHours: ms === undefined ? undefined : Math.round(ms / HOUR_MS) };
};

test('the first check-in gives no gap; the second one does, and a restart keeps it', () =>
  withFolder(async folder => {
    let nowMs = NOW_MS;
    const open = () => openTestStore({ folder, nowMs: () => nowMs });
    const first = await open();
    await first.devices.enrol(
      IDS.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    await visits(first, IDS, [0]);
    assert.equal(known(first), { devices: 0, medianHours: undefined });
    await visits(first, IDS, [6, 12]);
    assert.equal(known(first), { devices: 3, medianHours: 6 });
    await first.close();
    // Away for 30 hours: what lies between is our gap and not the devices'.
    nowMs = NOW_MS + 42 * HOUR_MS;
    const second = await open();
    assert.equal(known(second), { devices: 3, medianHours: 6 });
    await visits(second, IDS, [43]);
    assert.equal(known(second), { devices: 3, medianHours: 6 });
    await visits(second, IDS, [55]);
    assert.ok((known(second).medianHours ?? 0) >= 9, 'now they come every twelve hours');
    await second.close();
  }));

test('revoked and erased devices do not count, and one that is let in again does', () =>
  withFolder(async folder => {
    const store = await openTestStore({ folder, nowMs: () => NOW_MS });
    const { devices } = store;
    await devices.enrol(
      IDS.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    await visits(store, IDS, [0, 6]);
    await devices.revoke('d1', NOW_MS);
    await devices.revoke('d1', NOW_MS);
    assert.is(known(store).devices, 2);
    await devices.erase('d2');
    assert.is(known(store).devices, 1);
    await devices.readmit('d1');
    assert.is(known(store).devices, 2);
    await devices.revoke('d1', NOW_MS);
    await devices.erase('d1');
    assert.is(known(store).devices, 1);
    await devices.enrol([{ deviceId: 'd4', tags: [] }], NOW_MS);
    assert.is(known(store).devices, 1, 'who takes over the place of an erased device inherits nothing');
    await store.close();
  }));

test.run();
