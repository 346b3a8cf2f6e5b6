/** Checks that confirm a download by the object store. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NOW_MS } from '../support/state.ts';
import { withStore, withTables } from '../support/store.ts';

const ids = Array.from({ length: 500 }, (_, n) => `d${n}`);
const attemptOf = (deviceId: string) => ({ deviceId, buildId: 'b42', requestId: `request-${deviceId}` });

test('a fleet that checks while the database fails is one failure, not one for each device', async () => {
  const faults: unknown[] = [];
  await withStore(
    async (store, folder) => {
      await withTables(folder, db => db.schema.renameTable('apk_download_events', 'gone'));
      for (const deviceId of ids) store.outcomes.confirmDownload({ ...attemptOf(deviceId), atMs: NOW_MS });
      await store.close();
    },
    { onFault: (_, fault) => void faults.push(fault) },
  );
  assert.is(faults.length, 1);
});

test('a stop keeps what was noted: each redirected download is confirmed once, at its first check', () =>
  withStore(async (store, folder) => {
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    const redirected = { result: 'ok', status: 307, bytes: 0, lastByte: false, charged: 9 };
    for (const deviceId of ids.slice(0, 2))
      await store.outcomes.recordDownload({ ...attemptOf(deviceId), ...redirected, atMs: NOW_MS });
    for (const atMs of [NOW_MS + 1, NOW_MS + 2])
      for (const deviceId of ids) store.outcomes.confirmDownload({ ...attemptOf(deviceId), atMs });
    await store.close();
    const rows = await withTables(folder, db =>
      db('apk_download_events').where({ last_byte: true }).orderBy('id').select('device_id', 'at_ms'),
    );
    assert.equal(rows, [
      { device_id: 'd0', at_ms: NOW_MS + 1 },
      { device_id: 'd1', at_ms: NOW_MS + 1 },
    ]);
  }));

test.run();
