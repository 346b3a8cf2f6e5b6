/** Two processes on one PostgreSQL database (SPEC §7): what a job reads is what it changes, and one controller writes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Db, makeDb } from '../../controller/store/db.ts';
import { makeKeyValueStore } from '../../controller/store/key-values.ts';
import { makeOutboxStore } from '../../controller/store/outbox.ts';
import { openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { databaseOf } from '../support/postgres.ts';
import { NOW_MS } from '../support/state.ts';
import { engineOf } from '../support/store.ts';

const nowMs = () => NOW_MS;

const withTwo = (use: (dbs: readonly [Db, Db]) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const dbs = [makeDb(await engineOf(folder)), makeDb(await engineOf(folder))] as const;
    try {
      await use(dbs);
    } finally {
      for (const db of dbs) await db.close();
    }
  });

test('of two that claim the same thing at once, one gets it', () =>
  withTwo(async dbs => {
    const claimants = dbs.map(db => makeKeyValueStore(db, nowMs));
    for (let n = 0; n < 25; n++) {
      const won = await Promise.all(claimants.map(c => c.claim(`k${n}`, 'v', NOW_MS + 1)));
      assert.equal(won.sort(), [false, true], `k${n}`);
    }
  }));

test('an effect that both promise at once is promised once', () =>
  withTwo(async dbs => {
    const [a, b] = [makeOutboxStore(dbs[0], nowMs), makeOutboxStore(dbs[1], nowMs)];
    for (let n = 0; n < 25; n++) {
      const entry = { topic: 'github', key: `k${n}`, payload: n, notBeforeMs: 0 };
      await Promise.all([a, b].map(outbox => outbox.add([entry])));
    }
    assert.is((await a.pending('github')).length, 25);
  }));

test('two controllers that start at once on an empty database make one schema, and one of them writes', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first, 'empty');
      const stores = await Promise.all([first, second].map(folder => openStore({ folder, database, nowMs })));
      try {
        const said = await Promise.all(
          stores.map(store =>
            store.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS).then(
              () => 'written',
              error => (error as { code?: string }).code,
            ),
          ),
        );
        assert.equal(said.sort(), ['lease_lost', 'written']);
      } finally {
        for (const store of stores) await store.close();
      }
    }),
  ));

test('a controller that is started anew on another machine takes over, and what it wrote stands', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const old = await openStore({ folder: first, database, nowMs });
      const young = await openStore({ folder: second, database, nowMs });
      try {
        await young.keyValues.set('k', 'of the new one', undefined);
        const late = await old.keyValues.set('k', 'of the old one', undefined).catch(error => error);
        assert.is((late as { code?: string }).code, 'lease_lost');
        assert.is(await young.keyValues.get('k'), 'of the new one');
      } finally {
        await old.close();
        await young.close();
      }
    }),
  ));

test.run();
