import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceFilter } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

test('a page looks at 10,000 devices and no more; the one that matches comes on a later page, or at once where an index knows it', () =>
  withStore(async ({ devices }) => {
    const idOf = (n: number) => `d${String(n).padStart(5, '0')}`;
    await devices.enrol(
      Array.from({ length: 10_050 }, (_, n) => ({
        deviceId: idOf(n),
        tags: n === 10_020 ? ['rare'] : undefined,
      })),
      NOW_MS,
    );
    await devices.revoke(idOf(10_020), NOW_MS);
    const filter = { revoked: true };
    const first = await devices.find({ limit: 10, filter });
    assert.equal([first.rows, first.next], [[], idOf(9_999)]);
    const second = await devices.find({ after: first.next, limit: 10, filter });
    assert.equal([second.rows.map(d => d.deviceId), second.next], [[idOf(10_020)], undefined]);
    const tagged = await devices.find({ limit: 10, filter: { tag: 'rare' } });
    assert.equal([tagged.rows.map(d => d.deviceId), tagged.next], [[idOf(10_020)], undefined]);
    const full = await devices.find({ limit: 10, filter: {} });
    assert.equal([full.rows.length, full.next], [10, idOf(9)]);
    const last = await devices.find({ after: idOf(10_039), limit: 10, filter: {} });
    assert.equal([last.rows.length, last.next], [10, idOf(10_049)]);
    assert.equal(await devices.find({ after: idOf(10_049), limit: 10, filter: {} }), {
      rows: [],
      next: undefined,
    });
  }));

const B42 = { versionCode: 42, buildId: 'b42' };

async function seed({ devices, outcomes }: Store): Promise<void> {
  const enrol = (ids: readonly string[], tags: readonly string[]) =>
    devices.enrol(
      ids.map(deviceId => ({ deviceId, tags })),
      NOW_MS,
    );
  await enrol(['kiosk-1', 'kiosk-2', 'kiosk-3'], ['berlin']);
  await enrol(['till-1', 'till-2'], ['paris', 'berlin']);
  await enrol(['zz'], []);
  const says = (deviceId: string, versionCode: number, agoMs: number, buildId?: string): void =>
    devices.checkIn({ deviceId, atMs: NOW_MS - agoMs, versionCode, buildId, sdk: 33, signer: undefined });
  says('kiosk-1', 42, HOUR_MS, 'b42');
  says('kiosk-2', 42, 3 * DAY_MS);
  says('kiosk-3', 41, HOUR_MS, 'b41');
  says('till-1', 42, HOUR_MS, 'other');
  await devices.flush();
  for (const [deviceId, requestId, outcome, atMs] of [
    ['kiosk-1', 'r1', 'fail', NOW_MS - HOUR_MS],
    ['kiosk-1', 'r2', 'ok', NOW_MS],
    ['kiosk-3', 'r3', 'fail', NOW_MS],
  ] as const)
    await outcomes.report({
      deviceId,
      requestId,
      buildId: 'b42',
      outcome,
      reason: outcome === 'ok' ? 'installed' : 'install_failed',
      detail: undefined,
      versionCode: 42,
      timingsMs: undefined,
      atMs,
    });
}

test('devices are found by how their id begins and by what is known of them, alone and together', () =>
  withStore(async store => {
    await seed(store);
    const cases: [DeviceFilter, string[]][] = [
      [{}, ['kiosk-1', 'kiosk-2', 'kiosk-3', 'till-1', 'till-2', 'zz']],
      [{ prefix: 'kiosk-' }, ['kiosk-1', 'kiosk-2', 'kiosk-3']],
      [{ prefix: 'KIOSK' }, []],
      [{ prefix: '%' }, []],
      [{ tag: 'paris' }, ['till-1', 'till-2']],
      [{ tag: 'berlin', prefix: 'till' }, ['till-1', 'till-2']],
      [{ build: B42 }, ['kiosk-1', 'kiosk-2']],
      [{ build: B42, seenSinceMs: NOW_MS - DAY_MS }, ['kiosk-1']],
      [{ notSeenSinceMs: NOW_MS - DAY_MS }, ['kiosk-2', 'till-2', 'zz']],
      [{ attempt: { buildId: 'b42', outcome: 'ok' } }, ['kiosk-1']],
      // Its newest report says that it is well by now.
      [{ attempt: { buildId: 'b42', outcome: 'fail' } }, ['kiosk-3']],
      [{ attempt: { buildId: 'b41', outcome: 'fail' } }, []],
      [{ attempt: { buildId: 'b42', outcome: 'fail' }, tag: 'paris' }, []],
    ];
    for (const [filter, ids] of cases) {
      const { rows } = await store.devices.find({ limit: 10, filter });
      assert.equal(
        rows.map(row => row.deviceId),
        ids,
        JSON.stringify(filter),
      );
    }
    const first = await store.devices.find({ limit: 2, filter: { tag: 'berlin' } });
    assert.is(first.next, 'kiosk-2');
    const last = await store.devices.find({ limit: 9, filter: { tag: 'berlin' }, after: first.next });
    assert.equal([last.rows.map(r => r.deviceId), last.next], [['kiosk-3', 'till-1', 'till-2'], undefined]);
  }));

test.run();
