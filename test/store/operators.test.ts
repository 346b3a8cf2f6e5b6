import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault, faultCode } from '../../controller/domain/fault.ts';
import type { AdminToken } from '../../controller/ports/index.ts';
import { hexOf, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const token = (name: string, over: Partial<AdminToken> = {}) => ({
  name,
  scopes: ['read', 'devices'] as const,
  expiresAtMs: NOW_MS + 1_000,
  ...over,
});

test('an admin token is found by its SHA-256 alone and says its scopes and end', () =>
  withStore(async ({ admins }) => {
    await admins.create(token('ci'), hexOf('secret'));
    assert.equal(admins.find(hexOf('secret')), {
      name: 'ci',
      scopes: ['read', 'devices'],
      expiresAtMs: NOW_MS + 1_000,
      revokedAtMs: undefined,
    });
    assert.is(admins.find(hexOf('other')), undefined);
  }));

test('revoking an admin token is recorded once', () =>
  withStore(async ({ admins }) => {
    await admins.create(token('ci'), hexOf('secret'));
    assert.is(await admins.revoke('ci', NOW_MS), true);
    assert.is(await admins.revoke('ci', NOW_MS + 5), false);
    assert.is(await admins.revoke('nobody', NOW_MS), false);
    assert.is(admins.find(hexOf('secret'))?.revokedAtMs, NOW_MS);
  }));

test('a name in use is refused; a revoked or expired one may be given again, and the old token is dead', async () => {
  let now = NOW_MS;
  await withStore(
    async ({ admins }) => {
      await admins.create(token('ci'), hexOf('first'));
      const taken = await admins.create(token('ci'), hexOf('second')).catch(error => error);
      assert.instance(taken, Fault);
      assert.is(faultCode(taken), 'token_name_taken');
      now += 1_000;
      await admins.create(token('ci', { expiresAtMs: now + 1_000 }), hexOf('second'));
      assert.is(admins.find(hexOf('first')), undefined);
      assert.is(admins.find(hexOf('second'))?.name, 'ci');
      assert.is((await admins.list()).length, 1);
    },
    { nowMs: () => now },
  );
});

test('audit rows come newest first, a page at a time', () =>
  withStore(async ({ audit }) => {
    for (const subject of ['a', 'b', 'c'])
      await audit.record({ atMs: NOW_MS, actor: 'admin:ci', action: 'device.revoke', subject, detail: null });
    const first = await audit.list({ limit: 2 });
    assert.equal(
      first.map(row => row.subject),
      ['c', 'b'],
    );
    const rest = await audit.list({ beforeId: first.at(-1)?.id, limit: 2 });
    assert.equal(
      rest.map(row => row.subject),
      ['a'],
    );
  }));

test('a value survives a restart until it expires', async () => {
  let now = NOW_MS;
  await withStore(
    async ({ keyValues }) => {
      assert.is(await keyValues.get('comment'), undefined);
      await keyValues.set('comment', '17');
      await keyValues.set('comment', '18');
      await keyValues.set('short', 'x', NOW_MS + 10);
      assert.is(await keyValues.get('comment'), '18');
      assert.is(await keyValues.get('short'), 'x');
      now += 10;
      assert.is(await keyValues.get('short'), undefined);
      await keyValues.delete('comment');
      assert.is(await keyValues.get('comment'), undefined);
    },
    { nowMs: () => now },
  );
});

test('of several that claim one webhook delivery exactly one wins, until it expires', async () => {
  let now = NOW_MS;
  await withStore(
    async ({ keyValues }) => {
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, n) => keyValues.claim('delivery:1', String(n), NOW_MS + 10)),
      );
      assert.equal(claims, [true, false, false, false, false, false, false, false]);
      assert.is(await keyValues.get('delivery:1'), '0');
      now += 10;
      assert.is(await keyValues.claim('delivery:1', 'again'), true);
    },
    { nowMs: () => now },
  );
});

test('adoption samples come back oldest first, of one build, since a moment', () =>
  withStore(async ({ adoption }) => {
    const sample = (atMs: number, running: number, buildId = 'b42') => ({
      revision: 'r1',
      buildId,
      atMs,
      active: 100,
      running,
    });
    await adoption.add(sample(30, 3));
    await adoption.add(sample(10, 1));
    await adoption.add(sample(20, 2));
    await adoption.add(sample(25, 9, 'b41'));
    assert.equal(await adoption.series('b42', 20), [sample(20, 2), sample(30, 3)]);
  }));

test.run();
