import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Interned } from '../../controller/store/interned.ts';
import { Registry } from '../../controller/store/registry.ts';
import { TokenTable } from '../../controller/store/token-table.ts';
import { hexOf, NOW_MS } from '../support/state.ts';

/** Digests that fall into few buckets, so that runs collide, wrap round and are cut. */
const digest = (n: number): string => `0000000${n % 3}${hexOf(String(n)).slice(8)}`;

test('the token table answers as Maps do, whatever devices get, lose and take from each other', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 40 }), fc.nat({ max: 40 })), {
        minLength: 20,
        maxLength: 200,
        size: 'max',
      }),
      operations => {
        const table = new TokenTable();
        const tokenOf = new Map<number, number>();
        const holderOf = new Map<number, { slot: number; generation: number }>();
        const clear = (slot: number) => {
          const token = tokenOf.get(slot);
          tokenOf.delete(slot);
          if (token !== undefined && holderOf.get(token)?.slot === slot) holderOf.delete(token);
        };
        for (const [kind, slot, token] of operations) {
          clear(slot);
          if (kind === 0) table.clear(slot);
          else {
            table.set(slot, digest(token), slot + 1);
            tokenOf.set(slot, token);
            holderOf.set(token, { slot, generation: slot + 1 });
          }
          for (let each = 0; each <= 40; each += 1)
            assert.equal(table.find(digest(each)), holderOf.get(each));
        }
      },
    ),
    { numRuns: 60 },
  ));

test('a list of tokens that all begin or end alike is no slower than any other', () => {
  for (const of of [
    (n: number) => n.toString(16).padStart(64, '0'),
    (n: number) => n.toString(16).padStart(8, '0').padEnd(64, '0'),
  ]) {
    const table = new TokenTable();
    let compared = 0;
    const { equals } = Buffer.prototype;
    Buffer.prototype.equals = function (other: Uint8Array) {
      compared += 1;
      return equals.call(this, other);
    };
    try {
      for (let n = 0; n < 5_000; n += 1) table.set(n, of(n), 1);
    } finally {
      Buffer.prototype.equals = equals;
    }
    assert.equal(table.find(of(4_999)), { slot: 4_999, generation: 1 });
    assert.ok(compared < 50_000, `${compared} comparisons`);
  }
});

test('a shared value is forgotten with its last user, and its place is used again', () => {
  const table = new Interned<string>();
  const first = table.acquire('a', () => 'A');
  assert.is(
    table.acquire('a', () => 'never asked'),
    first,
  );
  table.release(first);
  assert.is(table.get(first), 'A');
  table.release(first);
  assert.is(table.get(first), undefined);
  assert.is(
    table.acquire('b', () => 'B'),
    first,
  );
  assert.is(table.length, 2);
});

test('devices that claim a new version every time do not make the registry grow', () => {
  const registry = new Registry();
  const device = {
    generation: 1,
    previous: undefined,
    kid: undefined,
    tokenIssuedAtMs: 0,
    revoked: false,
    tags: [],
    token: undefined,
  };
  registry.add({ deviceId: 'd1', ...device });
  for (let versionCode = 1; versionCode <= 1_000; versionCode += 1)
    registry.seen({ deviceId: 'd1', atMs: NOW_MS, versionCode, buildId: `b${versionCode}` });
  assert.equal(registry.counts(0).running, [{ versionCode: 1_000, buildId: 'b1000', devices: 1 }]);
  assert.ok(registry.versions <= 2, `${registry.versions} versions are kept`);
});

test('a slot that was freed carries nothing over to the next device', () => {
  const registry = new Registry();
  registry.add({
    deviceId: 'old',
    generation: 7,
    previous: { generation: 6, untilMs: NOW_MS },
    kid: 'k1',
    tokenIssuedAtMs: 5,
    revoked: true,
    tags: ['qa'],
    token: { sha256: hexOf('t'), generation: 7 },
  });
  registry.seen({ deviceId: 'old', atMs: NOW_MS, versionCode: 1, buildId: 'b1' });
  registry.remove('old');
  registry.add({
    deviceId: 'new',
    generation: 1,
    previous: undefined,
    kid: undefined,
    tokenIssuedAtMs: 0,
    revoked: false,
    tags: [],
    token: undefined,
  });
  assert.equal([...registry.kids()], [[undefined, 1]]);
  assert.equal(registry.auth('new'), {
    slot: 0,
    generation: 1,
    previousGeneration: 0,
    previousUntilMs: 0,
    revoked: false,
    tags: [],
    kid: undefined,
    tokenIssuedAtMs: 0,
  });
  assert.equal(registry.counts(0), { enrolled: 1, active: 0, running: [] });
  assert.is(registry.deviceOfToken(hexOf('t'), 0), undefined);
});

test('an imported token that was taken back names nobody', () => {
  const registry = new Registry();
  registry.add({
    deviceId: 'd1',
    generation: 1,
    previous: undefined,
    kid: undefined,
    tokenIssuedAtMs: 0,
    revoked: false,
    tags: [],
    token: { sha256: hexOf('t'), generation: 1 },
  });
  assert.is(registry.deviceOfToken(hexOf('t'), NOW_MS), 'd1');
  registry.setToken('d1', undefined);
  assert.is(registry.deviceOfToken(hexOf('t'), NOW_MS), undefined);
});

test.run();
