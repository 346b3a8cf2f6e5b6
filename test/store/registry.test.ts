import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Interned } from '../../controller/store/interned.ts';
import { Registry } from '../../controller/store/registry.ts';
import { TokenTable } from '../../controller/store/token-table.ts';
import { hexOf, NOW_MS } from '../support/state.ts';

/** Digests that fall into few buckets, so that runs collide, wrap round and are cut. */
const digest = (n: number): string => `0000000${n % 3}${hexOf(String(n)).slice(8)}`;

test('the token table answers as a Map does, whatever is added and removed', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 40 })), { minLength: 20, maxLength: 200, size: 'max' }),
      operations => {
        const table = new TokenTable();
        const model = new Map<number, number>();
        for (const [add, n] of operations) {
          if (add && !model.has(n)) {
            table.add(n, digest(n), n + 1);
            model.set(n, n + 1);
          } else if (!add) {
            table.remove(digest(n));
            model.delete(n);
          }
          for (let slot = 0; slot <= 40; slot += 1) {
            const generation = model.get(slot);
            assert.equal(
              table.find(digest(slot)),
              generation === undefined ? undefined : { slot, generation },
            );
          }
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
      for (let n = 0; n < 5_000; n += 1) table.add(n, of(n), 1);
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
  registry.remove('old', hexOf('t'));
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

test.run();
