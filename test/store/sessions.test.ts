import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../../controller/ports/index.ts';
import { makeDb } from '../../controller/store/db.ts';
import { makeSessionStore } from '../../controller/store/sessions.ts';
import { hexOf, NOW_MS } from '../support/state.ts';
import { engineOf, withStore } from '../support/store.ts';

const session = (name: string, expiresAtMs = NOW_MS + 1_000): Session => ({
  viewer: {
    name,
    actor: `admin:${name}`,
    may: new Set(['brake', 'devices']),
    tokenSha256: hexOf(`token of ${name}`),
  },
  formToken: `form of ${name}`,
  expiresAtMs,
});

test('a session is found under its hash as it was begun, until it is ended', () =>
  withStore(async ({ sessions }) => {
    await sessions.begin(hexOf('a'), session('ann'));
    await sessions.begin(hexOf('b'), session('bob'));
    assert.equal(await sessions.find(hexOf('a')), session('ann'));
    await sessions.end(hexOf('a'));
    await sessions.end(hexOf('a'));
    assert.is(await sessions.find(hexOf('a')), undefined);
    assert.is((await sessions.find(hexOf('b')))?.viewer.name, 'bob', 'others stay');
  }));

test('a session is over at its end, and its row goes with the next pruning', async () => {
  let now = NOW_MS;
  await withStore(
    async store => {
      await store.sessions.begin(hexOf('a'), session('ann'));
      await store.sessions.begin(hexOf('b'), session('bob', NOW_MS + 1_001));
      now = NOW_MS + 999;
      assert.is((await store.sessions.find(hexOf('a')))?.viewer.name, 'ann');
      now = NOW_MS + 1_000;
      assert.is(await store.sessions.find(hexOf('a')), undefined);
      await store.outcomes.prune(0, 0);
      now = NOW_MS;
      assert.is(await store.sessions.find(hexOf('a')), undefined, 'the row is gone');
      assert.is((await store.sessions.find(hexOf('b')))?.viewer.name, 'bob');
    },
    { nowMs: () => now },
  );
});

test('another store on the same database sees sessions begin and end; past the bound the oldest ends', () =>
  withStore(async ({ sessions }, folder) => {
    const db = makeDb(await engineOf(folder));
    try {
      const second = makeSessionStore(db, () => NOW_MS, 2);
      await sessions.begin(hexOf('a'), session('ann'));
      assert.equal(await second.find(hexOf('a')), session('ann'));
      await sessions.begin(hexOf('b'), session('bob'));
      await second.begin(hexOf('c'), session('cid'));
      assert.is(await sessions.find(hexOf('a')), undefined, 'the oldest of three');
      assert.is((await sessions.find(hexOf('b')))?.viewer.name, 'bob');
      await second.end(hexOf('b'));
      assert.is(await sessions.find(hexOf('b')), undefined);
    } finally {
      await db.close();
    }
  }));

test.run();
