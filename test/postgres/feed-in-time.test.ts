/** A follower hears of changes in time: whatever people ask of it meanwhile, and whatever became of the database. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openStore, type Store } from '../../controller/store/store.ts';
import { until, withFolder } from '../support/folder.ts';
import { databaseOf } from '../support/postgres.ts';
import { hexOf, NOW_MS } from '../support/state.ts';
import { engineOf } from '../support/store.ts';

const nowMs = () => NOW_MS;
const READERS = 2;

const withTwo = (
  use: (stores: readonly [Store, Store], folder: string, overtaken: readonly string[]) => Promise<void>,
): Promise<void> =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      assert.is(database?.connections, READERS);
      const overtaken: string[] = [];
      const onOvertaken = (code: string) => void overtaken.push(code);
      const stores = [
        await openStore({ folder: first, database, nowMs }),
        await openStore({ folder: second, database, nowMs, onOvertaken }),
      ] as const;
      try {
        await use(stores, first, overtaken);
      } finally {
        for (const store of stores) await store.close();
      }
    }),
  );

test('a revoked token and a new revision are known at once while long queries hold all connections for reading', () =>
  withTwo(async ([first, second], folder) => {
    await first.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    await first.admins.create({ name: 'ada', scopes: ['read'], expiresAtMs: NOW_MS + 1 }, hexOf('a'));
    await second.checkDatabase();
    const { writer, close } = await engineOf(folder);
    const lock = await writer.transaction();
    let running = READERS * 2;
    try {
      await lock.raw('lock table attempts in access exclusive mode');
      const long = Array.from({ length: running }, () =>
        second.outcomes.troubles({ buildId: 'b42', versionCode: 42 }).finally(() => {
          running -= 1;
        }),
      );
      const told = new Set<string>();
      second.feed?.subscribe(async topics => {
        if (topics.size > 0) await second.keyValues.get('artifacts.tombstones');
        if (topics.has('admins')) told.add(String((await second.desired.applied())?.revision));
        await second.halts.standing('b42');
      });
      await first.devices.revoke('d1', NOW_MS);
      await first.admins.revoke('ada', NOW_MS);
      let isReached = false;
      void second.checkDatabase().then(() => {
        isReached = true;
      });
      await until('the follower has caught up', async () => isReached);
      assert.ok(second.devices.auth('d1')?.revoked);
      assert.is(second.admins.find(hexOf('a'))?.revokedAtMs, NOW_MS);
      assert.equal([...told], ['undefined'], 'its listeners could read');
      assert.is((await second.leader()).isAlive, true);
      assert.is(running, READERS * 2, 'the long queries have not ended');
      await lock.rollback();
      await Promise.all(long);
    } finally {
      await lock.rollback();
      await close();
    }
  }));

test('a controller that has seen changes which the database has lost must restart', () =>
  withTwo(async ([first, second], folder, overtaken) => {
    await first.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    await second.feed?.catchUp();
    const { writer, close } = await engineOf(folder);
    try {
      // A replica that lagged was promoted: its last changes are missing, and their numbers are given again.
      await writer('changes').delete();
      await writer('change_counter').update({ value: 0, pruned: 0 });
      const code = await second.feed?.catchUp().catch(error => (error as { code?: string }).code);
      assert.equal([code, overtaken], ['fell_behind', ['fell_behind']]);
    } finally {
      await close();
    }
  }));

test('many large changes are read in pieces', () =>
  withTwo(async ([first, second]) => {
    const ids = Array.from({ length: 3_000 }, (_, n) => `kiosk-with-a-long-name-${n}`);
    await first.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    for (let round = 0; round < 12; round += 1) {
      for (const deviceId of ids)
        first.devices.checkIn({
          deviceId,
          atMs: NOW_MS + round,
          versionCode: 41 + (round % 2),
          buildId: `b${41 + (round % 2)}`,
          sdk: 33,
          signer: undefined,
        });
      await first.devices.flush();
    }
    await second.feed?.catchUp();
    const counts = await second.devices.counts(NOW_MS, 3_600_000);
    assert.equal(counts.running, [{ versionCode: 42, buildId: 'b42', devices: 3_000 }]);
  }));

test.run();
