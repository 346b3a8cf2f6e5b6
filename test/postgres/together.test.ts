/** Two processes on one PostgreSQL database (SPEC §7): what a job reads is what it changes, and one controller writes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Db, makeDb } from '../../controller/store/db.ts';
import { makeKeyValueStore } from '../../controller/store/key-values.ts';
import { makeOutboxStore } from '../../controller/store/outbox.ts';
import { openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { databaseOf, onDatabase } from '../support/postgres.ts';
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
    const [a, b] = [makeOutboxStore(dbs[0], dbs[0], nowMs), makeOutboxStore(dbs[1], dbs[1], nowMs)];
    for (let n = 0; n < 25; n++) {
      const entry = { topic: 'github', key: `k${n}`, payload: n, notBeforeMs: 0 };
      await Promise.all([a, b].map(outbox => outbox.add([entry])));
    }
    assert.is((await a.pending('github')).length, 25);
  }));

const codeOf = (write: Promise<unknown>): Promise<string> =>
  write.then(
    () => 'written',
    error => String((error as { code?: string }).code),
  );

test('of two controllers that start at once on an empty database one leads, and both serve one schema', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first, 'empty');
      const stores = await Promise.all([first, second].map(folder => openStore({ folder, database, nowMs })));
      try {
        assert.equal(stores.map(store => store.leads).sort(), [false, true]);
        const enrolled = stores.map((store, n) =>
          store.devices.enrol([{ deviceId: `d${n}`, tags: [] }], NOW_MS),
        );
        assert.is((await Promise.all(enrolled)).length, 2);
        const leading = await Promise.all(stores.map(store => codeOf(store.lastMoment.keep(NOW_MS))));
        assert.equal(leading.sort(), ['not_leading', 'written']);
      } finally {
        for (const store of stores) await store.close();
      }
    }),
  ));

test('a leader that was silent for longer than its lease writes nothing once another leads', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const old = await openStore({ folder: first, database, nowMs, leaseMs: 1 });
      const young = await openStore({ folder: second, database, nowMs });
      try {
        assert.ok(await young.tryToLead());
        assert.is(await codeOf(old.leaderValues.set('k', 'of the old one')), 'lease_lost');
        assert.is(await young.keyValues.get('k'), undefined);
        assert.is(await codeOf(young.leaderValues.set('k', 'of the new one')), 'written');
      } finally {
        await old.close();
        await young.close();
      }
    }),
  ));

test('a request to the leader is either begun once or withdrawn, and never begun by a former leader', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const leader = await openStore({ folder: first, database, nowMs });
      const follower = await openStore({ folder: second, database, nowMs });
      const [asked, answering] = [follower.requests, leader.requests];
      if (asked === undefined || answering === undefined) throw new Error('PostgreSQL has them');
      try {
        for (let n = 0; n < 10; n++) {
          const id = await asked.ask('resume', null);
          const [taken, withdrawn] = await Promise.all([answering.take(id), asked.withdraw(id)]);
          assert.is.not(taken, withdrawn, `${n}`);
          assert.not.ok(await answering.take(id), 'once');
        }
        assert.equal(await answering.open(), []);
        const id = await asked.ask('resume', null);
        assert.ok(await answering.take(id));
        assert.is(await asked.answerOf(id), undefined, 'begun is no answer');
        assert.not.ok(await asked.withdraw(id));
        await answering.answer(id, 'done');
        assert.equal(await asked.answerOf(id), { answer: 'done' });
        const late = await asked.ask('resume', null);
        await onDatabase(database?.url ?? '', 'update leader set expires_ms = 1');
        assert.ok(await follower.tryToLead());
        assert.is(await codeOf(answering.take(late)), 'lease_lost');
      } finally {
        await leader.close();
        await follower.close();
      }
    }),
  ));

test('a leader that hands over may still answer, and writes nothing more as the leader once another leads', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const stopping = await openStore({ folder: first, database, nowMs, leaseMs: 60_000 });
      const next = await openStore({ folder: second, database, nowMs, leaseMs: 60_000 });
      try {
        assert.not.ok(await next.tryToLead());
        await stopping.handOver();
        assert.ok(await next.tryToLead(), 'long before the lease would have ended');
        assert.is(await codeOf(stopping.keyValues.set('k', 'an answer that took long')), 'written');
        assert.is(await codeOf(stopping.leaderValues.set('k', 'of the leader')), 'lease_lost');
      } finally {
        await stopping.close();
        await next.close();
      }
    }),
  ));

test('a controller that is paused in the middle of a write delays the others only for some seconds', () =>
  withTwo(async ([paused, other]) => {
    let [wake, began] = [() => {}, () => {}];
    const asleep = new Promise<void>(resolve => {
      wake = resolve;
    });
    const hasBegun = new Promise<void>(resolve => {
      began = resolve;
    });
    const write = codeOf(
      paused.write(async trx => {
        began(); // it holds the lock
        await asleep;
        await trx('key_values').insert({ key: 'k', value: 'of the one that woke' });
      }),
    );
    await hasBegun;
    const values = makeKeyValueStore(other, nowMs);
    await values.set('k', 'of the other');
    wake();
    assert.is(await write, 'store_unreachable', 'its transaction has ended');
    assert.is(await values.get('k'), 'of the other');
    assert.is(
      await codeOf(makeKeyValueStore(paused, nowMs).set('k', 'of both')),
      'written',
      'and it goes on',
    );
  }));

test.run();
