import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import {
  chooseSeed,
  fitOf,
  SEED_FLEET_LIMIT,
  stepsOfPercent,
  triesFor,
} from '../../controller/domain/seed.ts';

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
  [50, 2, 15],
  [100, 2, 9],
  [250, 1, 6],
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
  const off = [1, 5, 10, 25, 50, 75, 90].map(p =>
    Math.abs(ids.filter(id => Math.floor(bucketOf(id, cohortSeed) / 100) < p).length - p),
  );
  assert.ok(Math.abs(Math.max(...off) - worst) < 1e-9);
});

test('the seed is the build id and a small counter, and better than the plain hash', () => {
  const ids = fleets(200, 1)[0] ?? [];
  const { cohortSeed, worstPoints: worst, tried } = chooseSeed('b42', ids);
  assert.match(cohortSeed, /^b42\.\d{1,4}$/);
  assert.ok(tried <= triesFor(200) && worst < fitOf(ids, '', [1, 5, 10, 25, 50, 75, 90]).worstPoints);
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
  assert.equal(chooseSeed('b42', []), { cohortSeed: 'b42.0', worstPoints: 0, inFirstStep: 0, tried: 0 });
});

test('one device is no reason to search for ever', () => {
  assert.ok(chooseSeed('b42', ['kiosk-7']).tried <= triesFor(1));
});

test('the steps of this very rollout are met, and its first step has a device', () => {
  const ids = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9._:-]{1,20}$/), { minLength: 5, maxLength: 80 });
  const steps = fc
    .uniqueArray(fc.integer({ min: 100, max: 9_999 }), { minLength: 1, maxLength: 6 })
    .map(hundredths => hundredths.sort((a, b) => a - b).map(h => h / 100));
  fc.assert(
    fc.property(ids, steps, (devices, percents) => {
      const choice = chooseSeed('b43', devices, percents);
      const inside = (seed: string, percent: number): number =>
        devices.filter(id => bucketOf(id, seed) < Math.round(percent * 100)).length;
      assert.ok(inside(choice.cohortSeed, percents[0] ?? 0) >= 1, 'nobody is in the first step');
      assert.is(choice.inFirstStep, inside(choice.cohortSeed, percents[0] ?? 0));
      const missed = (seed: string): number =>
        Math.max(...percents.map(p => Math.abs((inside(seed, p) / devices.length) * 100 - p)));
      assert.ok(Math.abs(missed(choice.cohortSeed) - choice.worstPoints) < 1e-9);
      // None of those that it passed over and that have a device in the first step is nearer.
      for (let counter = 0; counter < Math.min(choice.tried, 8); counter++) {
        const other = `b43.${counter}`;
        if (inside(other, percents[0] ?? 0) > 0) assert.ok(missed(other) >= choice.worstPoints - 1e-9, other);
      }
    }),
    { numRuns: 25, seed: 20_261_126 },
  );
});

test('a plain percentage is judged by itself first, and by what it is likely to be raised through', () => {
  assert.equal(stepsOfPercent(10), [10, 25, 50, 75, 90]);
  assert.equal(stepsOfPercent(100), [100]);
});

test.run();
