import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, isExposed, thresholdOf } from '../../controller/domain/cohort.ts';
import { isDeviceId } from '../../controller/domain/ids.ts';
import { cohortVectors } from '../support/vectors.ts';

const vectors = cohortVectors();
const deviceIds = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/);
const seeds = fc.oneof(fc.constant(''), fc.stringMatching(/^[ -~]{1,40}$/));
const percents = fc.integer({ min: 0, max: 10_000 }).map(n => n / 100);

test('every bucket vector holds', () => {
  for (const { device_id, cohort_seed, h, bucket } of vectors.buckets) {
    assert.is(bucketOf(device_id, cohort_seed), bucket, `${cohort_seed}:${device_id}`);
    assert.is(Math.floor(bucket / 100), h % 100, 'hash(device_id) % 100');
  }
});

test('every threshold vector holds', () => {
  for (const { percent, threshold } of vectors.thresholds)
    assert.is(thresholdOf(percent), threshold, `${percent}`);
});

test('every exposure vector holds', () => {
  for (const v of vectors.exposed)
    assert.is(isExposed(bucketOf(v.device_id, v.cohort_seed), v.percent), v.exposed, JSON.stringify(v));
});

test('an invalid device id is refused, never bucketed', () => {
  for (const id of vectors.invalid_device_ids) {
    assert.is(isDeviceId(id), false, JSON.stringify(id));
    assert.throws(() => bucketOf(id, ''), /device id/);
  }
  for (const { device_id } of vectors.buckets) assert.is(isDeviceId(device_id), true, device_id);
});

test('a bucket is a whole number from 0 to 9999 and the same each time', () => {
  fc.assert(
    fc.property(deviceIds, seeds, (id, seed) => {
      const bucket = bucketOf(id, seed);
      return Number.isInteger(bucket) && bucket >= 0 && bucket <= 9999 && bucketOf(id, seed) === bucket;
    }),
  );
});

test('for whole percents exposure is exactly hash(device_id) % 100 < percent', () => {
  const h = new Map(vectors.buckets.map(v => [`${v.cohort_seed}:${v.device_id}`, v.h]));
  for (const v of vectors.buckets)
    for (let percent = 0; percent <= 100; percent++) {
      const hash = h.get(`${v.cohort_seed}:${v.device_id}`) ?? Number.NaN;
      assert.is(isExposed(bucketOf(v.device_id, v.cohort_seed), percent), hash % 100 < percent);
    }
});

test('raising a percent never evicts a device', () => {
  fc.assert(
    fc.property(deviceIds, seeds, percents, percents, (id, seed, a, b) => {
      const bucket = bucketOf(id, seed);
      return !isExposed(bucket, Math.min(a, b)) || isExposed(bucket, Math.max(a, b));
    }),
  );
});

test('0 % exposes nobody, 100 % everybody', () => {
  fc.assert(
    fc.property(deviceIds, seeds, (id, seed) => {
      const bucket = bucketOf(id, seed);
      return !isExposed(bucket, 0) && isExposed(bucket, 100);
    }),
  );
});

for (const [name, idOf] of [
  ['numbered', (n: number) => `kiosk-${n}`],
  ['IMEI-like', (n: number) => `35-209900-${String(n * 7919).padStart(6, '0')}-1`],
  [
    'MAC-like',
    (n: number) =>
      `02:00:${n
        .toString(16)
        .padStart(8, '0')
        .replace(/(..)(?=.)/g, '$1:')}`,
  ],
] as const)
  test(`a rollout of 10,000 ${name} devices is within 2 points at 1, 5, 10, 25, 50 and 100 %`, () => {
    for (const seed of ['', 'b42']) {
      const buckets = Array.from({ length: 10_000 }, (_, n) => bucketOf(idOf(n), seed));
      for (const percent of [1, 5, 10, 25, 50, 100]) {
        const share = (buckets.filter(b => isExposed(b, percent)).length / buckets.length) * 100;
        assert.ok(Math.abs(share - percent) <= 2, `${percent} % came to ${share} %`);
      }
    }
  });

test('another seed exposes other devices first', () => {
  const first = (seed: string) =>
    new Set(
      Array.from({ length: 2_000 }, (_, n) => `kiosk-${n}`).filter(id => isExposed(bucketOf(id, seed), 10)),
    );
  const [plain, seeded] = [first(''), first('b42')];
  const both = [...plain].filter(id => seeded.has(id)).length;
  assert.ok(both < plain.size / 2, `${both} of ${plain.size} are the same`);
});

test.run();
