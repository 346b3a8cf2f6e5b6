import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeptSession } from '../../controller/ports/index.ts';
import { makeDb } from '../../controller/store/db.ts';
import { makeSessionStore } from '../../controller/store/sessions.ts';
import { hexOf, NOW_MS } from '../support/state.ts';
import { engineOf, withStore } from '../support/store.ts';

const session = (name: string, expiresAtMs = NOW_MS + 1_000): KeptSession => ({
  name,
  basis: { kind: 'token', sha256: hexOf(`token of ${name}`) },
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
    assert.is((await sessions.find(hexOf('b')))?.name, 'bob', 'others stay');
  }));

test('a session of a person keeps who that is: issuer, subject, name and groups as the provider said them', () =>
  withStore(async ({ sessions }) => {
    const ann: KeptSession = {
      ...session('Ann «Ωμέγα»'),
      basis: {
        kind: 'person',
        issuer: 'https://login.example/',
        subject: 'auth0|7',
        groups: ['cn=on-call,ou=groups', 'staff'],
      },
    };
    await sessions.begin(hexOf('a'), ann);
    assert.equal(await sessions.find(hexOf('a')), ann);
  }));

test('a session is over at its end, and its row goes with the next pruning', async () => {
  let now = NOW_MS;
  await withStore(
    async store => {
      await store.sessions.begin(hexOf('a'), session('ann'));
      await store.sessions.begin(hexOf('b'), session('bob', NOW_MS + 1_001));
      now = NOW_MS + 999;
      assert.is((await store.sessions.find(hexOf('a')))?.name, 'ann');
      now = NOW_MS + 1_000;
      assert.is(await store.sessions.find(hexOf('a')), undefined);
      await store.outcomes.prune(0, 0);
      now = NOW_MS;
      assert.is(await store.sessions.find(hexOf('a')), undefined, 'the row is gone');
      assert.is((await store.sessions.find(hexOf('b')))?.name, 'bob');
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
      assert.is((await sessions.find(hexOf('b')))?.name, 'bob');
      await second.end(hexOf('b'));
      assert.is(await sessions.find(hexOf('b')), undefined);
    } finally {
      await db.close();
    }
  }));

test.run();
