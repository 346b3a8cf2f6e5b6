import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { makeDb } from '../../controller/store/db.ts';
import { makeLease, readLeader } from '../../controller/store/lease.ts';
import type { Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { aState, NOW_MS } from '../support/state.ts';
import { engineOf, openTestStore, withStore, withTables } from '../support/store.ts';

const PROGRESS = {
  rampId: 1,
  beginsAtMs: NOW_MS,
  step: 0,
  enteredAtMs: NOW_MS,
  exposureMs: 5,
  servedMs: 5,
  judgement: undefined,
};
const KEPT = { buildId: 'b42', progress: PROGRESS, percent: 1, decidedAtMs: NOW_MS, decidedBy: 'ramp' };
const HALT = {
  buildId: 'b42',
  kind: 'gate',
  mode: 'halt',
  atMs: NOW_MS,
  by: 'gate',
  reason: 'install_failures',
  evidence: null,
} as const;
const APPLIED = {
  state: aState(),
  progress: undefined,
  formerBuilds: new Map(),
  revision: 'r1',
  treeHash: 't1',
  appliedAtMs: NOW_MS,
};
const AUDIT = [{ atMs: NOW_MS, actor: 'gate', action: 'halt', subject: 'b42', detail: null }];
const PROMISED = [{ topic: 'github', key: 'brake:1', payload: null, notBeforeMs: 0 }];

/** Somebody else takes over, as a lease in a shared database would. */
async function overtake(folder: string): Promise<void> {
  await withTables(folder, db => db('leader').increment('epoch', 1));
}

const codeOf = async (write: Promise<unknown>): Promise<string> =>
  write.then(
    () => 'written',
    error => (error instanceof Fault ? error.code : 'no fault'),
  );

const WRITES: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
  ['a step', store => store.ramps.keep(KEPT, AUDIT, PROMISED)],
  ['a halt', store => store.halts.press(HALT, AUDIT, () => PROMISED)],
  [
    'a lift',
    async store =>
      store.halts.lift(
        await store.halts.standing('b42'),
        { atMs: NOW_MS, by: 'admin:x', reason: 'x', lift: undefined, without: [] },
        AUDIT,
      ),
  ],
  ['a revision', store => store.desired.apply(APPLIED, [], AUDIT, PROMISED)],
];

for (const [what, write] of WRITES)
  test(`${what} of a controller that lost its lease is refused, and nothing of it is stored`, () =>
    withStore(async (store, folder) => {
      await store.halts.press(HALT, [], undefined);
      await overtake(folder);
      const before = await store.halts.standing('b42');
      assert.is(await codeOf(write(store)), 'lease_lost');
      assert.equal(await store.halts.standing('b42'), before);
      assert.equal(
        [
          await store.ramps.steps(1),
          await store.audit.list({ limit: 10 }),
          await store.outbox.pending('github'),
        ],
        [[], [], []],
      );
      assert.is(await store.desired.applied(), undefined);
    }));

test('a brake of a person for a build that is not current any more is refused, and for the current one it is pressed', () =>
  withStore(async store => {
    await store.desired.apply(APPLIED, [], [], []);
    const press = (buildId: string) => codeOf(store.halts.press({ ...HALT, kind: 'hand', buildId }, []));
    assert.equal([await press('b41'), await press('b42')], ['moved_on', 'written']);
  }));

test('the controller that opens the store takes over and writes', () =>
  withStore(async store => {
    await store.ramps.keep(KEPT, [], []);
    assert.is((await store.ramps.steps(1)).length, 1);
  }));

test('one of two leads, until it releases the lease or does not renew it', () =>
  withFolder(async folder => {
    await (await openTestStore({ folder, nowMs: () => NOW_MS })).close();
    const db = makeDb(await engineOf(folder));
    try {
      const [first, second] = [makeLease(db, 60_000), makeLease(db, 60_000)];
      assert.is(await codeOf(db.write(first.hold)), 'not_leading');
      assert.ok(await first.take());
      assert.not.ok(await second.take());
      await db.write(first.release);
      assert.ok(await second.take());
      assert.is(second.epoch, (first.epoch ?? 0) + 1);
      assert.is(await codeOf(db.write(first.renew)), 'lease_lost');
      await db.write(first.release);
      const third = makeLease(db, 60_000);
      assert.not.ok(await third.take(), 'the lease of another is not released');
      await db.write(second.renew);
      assert.is((await db.read(readLeader)).report, undefined, 'it has said nothing of itself yet');
      await db.write(trx => trx('leader').update({ expires_ms: 1 }));
      await db.write(trx => second.renew(trx, { read: true }));
      assert.equal(await db.read(readLeader), { isAlive: true, report: { read: true }, isFollowed: false });
      assert.not.ok(await third.take(), 'renewed');
      await db.write(trx => trx('leader').update({ expires_ms: 1 }));
      assert.ok(await third.take());
      assert.is(await codeOf(db.write(second.hold)), 'lease_lost');
    } finally {
      await db.close();
    }
  }));

test('a controller takes over although each of its writes waits for the writes of others', () =>
  withFolder(async folder => {
    await (await openTestStore({ folder, nowMs: () => NOW_MS })).close();
    const db = makeDb(await engineOf(folder));
    try {
      const lost = makeLease(db, 60_000);
      assert.ok(await lost.take());
      const alwaysBusy = makeLease(db, 60_000, -1);
      await db.write(trx => trx('leader').update({ expires_ms: 1 }));
      assert.not.ok(await alwaysBusy.take(), 'the renewal may be waiting behind a long write');
      await db.write(trx => lost.renew(trx));
      for (let looks = 0; looks < 20; looks += 1) assert.not.ok(await alwaysBusy.take(), 'it was renewed');
      await db.write(trx => trx('leader').update({ expires_ms: 1 }));
      assert.not.ok(await alwaysBusy.take(), 'it waits anew');
      let looks = 0;
      while (looks < 20 && !(await alwaysBusy.take())) looks += 1;
      assert.is(await codeOf(db.write(alwaysBusy.hold)), 'written');
    } finally {
      await db.close();
    }
  }));

test.run();
