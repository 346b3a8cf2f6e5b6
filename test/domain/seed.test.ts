import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { chooseSeed, SEED_FLEET_LIMIT, SEED_TRIES, worstPoints } from '../../controller/domain/seed.ts';

/** Fleets whose ids look different: numbered, IMEI-like, MAC-like. */
const KINDS: ((fleet: number, n: number) => string)[] = [
  (fleet, n) => `site${fleet}-kiosk-${n}`,
  (fleet, n) => `35-${200_000 + fleet}-${String(n * 7919).padStart(7, '0')}`,
  (fleet, n) => `02:${fleet}:${n.toString(16).padStart(6, '0')}`,
];
const fleets = (devices: number, count: number): string[][] =>
  Array.from({ length: count }, (_, fleet) =>
    Array.from({ length: devices }, (_, n) => (KINDS[fleet % 3] ?? (() => ''))(fleet, n)),
  );

for (const [devices, points, count] of [
  [50, 2, 60],
  [100, 1, 30],
  [250, 1, 12],
  [1_000, 1, 3],
] as const)
  test(`${devices} devices: every step is within ${points} point${points === 1 ? '' : 's'}`, () => {
    for (const ids of fleets(devices, count)) {
      const { cohortSeed, worstPoints: worst } = chooseSeed('b42', ids);
      assert.ok(worst <= points + 1e-9, `${cohortSeed} misses by ${worst}`);
    }
  });

test('the distance is counted from the buckets themselves', () => {
  const ids = fleets(100, 1)[0] ?? [];
  const { cohortSeed, worstPoints: worst } = chooseSeed('b42', ids);
  const off = [1, 5, 10, 25, 50].map(p =>
    Math.abs(ids.filter(id => Math.floor(bucketOf(id, cohortSeed) / 100) < p).length - p),
  );
  assert.ok(Math.abs(Math.max(...off) - worst) < 1e-9);
});

test('the seed is the build id and a small counter, and better than the plain hash', () => {
  const ids = fleets(200, 1)[0] ?? [];
  const { cohortSeed, worstPoints: worst, tried } = chooseSeed('b42', ids);
  assert.match(cohortSeed, /^b42\.\d{1,3}$/);
  assert.ok(tried <= SEED_TRIES && worst < worstPoints(ids, ''));
});

test('the choice does not depend on the order of the devices, and differs by build', () => {
  const ids = fleets(100, 1)[0] ?? [];
  assert.equal(chooseSeed('b42', [...ids].reverse()), chooseSeed('b42', ids));
  assert.is.not(chooseSeed('b43', ids).cohortSeed, chooseSeed('b42', ids).cohortSeed);
});

test('a large fleet and an empty one are not searched', () => {
  const ids = Array.from({ length: SEED_FLEET_LIMIT }, (_, n) => `kiosk-${n}`);
  const choice = chooseSeed('b42', ids);
  assert.is(choice.cohortSeed, 'b42.0');
  assert.ok(choice.worstPoints <= 2);
  assert.equal(chooseSeed('b42', []), { cohortSeed: 'b42.0', worstPoints: 0, tried: 0 });
});

test('one device is no reason to search for ever', () => {
  assert.ok(chooseSeed('b42', ['kiosk-7']).tried <= SEED_TRIES);
});

test.run();
