import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blended,
  followedWithin,
  GAP_PLACES,
  gapAt,
  gapsOf,
  longestOf,
  medianOf,
  NO_GAPS,
  placeOf,
  seenWithin,
  timeUntil,
} from '../../controller/domain/check-in-gaps.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../controller/domain/duration.ts';

const hours = (place: number): number => gapAt(place) / HOUR_MS;
const near = (actual: number, wanted: number, within: number): void =>
  assert.ok(Math.abs(actual - wanted) <= within, `${actual} is not near ${wanted}`);
const tallyOf = (gapsMs: readonly number[]): Uint32Array => {
  const tally = new Uint32Array(GAP_PLACES);
  for (const gapMs of gapsMs) tally[placeOf(gapMs)] = (tally[placeOf(gapMs)] ?? 0) + 1;
  return tally;
};
const SIX_HOURS = gapsOf(tallyOf(Array(100).fill(6 * HOUR_MS)));

test('a place is one byte and within 4 % of the gap that it stands for', () => {
  for (const ms of [SECOND_MS, 90 * SECOND_MS, HOUR_MS, 6 * HOUR_MS, 9 * DAY_MS, 90 * DAY_MS]) {
    const place = placeOf(ms);
    assert.ok(place >= 1 && place < GAP_PLACES);
    near(gapAt(place) / ms, 1, 0.04);
  }
  assert.is(placeOf(0), 1);
  assert.is(placeOf(-5), 1);
  assert.is(placeOf(1e15), GAP_PLACES - 1);
});

test('the checks of one visit count for nothing beside the hours between two', () => {
  let place = 0;
  for (let visit = 0; visit < 20; visit += 1)
    for (const gapMs of [6 * HOUR_MS, 3 * SECOND_MS, 40 * SECOND_MS, 8 * SECOND_MS])
      place = blended(place, gapMs);
  near(hours(place), 6, 0.4);
  let burstFirst = blended(0, 3 * SECOND_MS);
  burstFirst = blended(burstFirst, 6 * HOUR_MS);
  near(hours(burstFirst), 6, 0.4);
});

test('a device that comes twice as often is soon known to, and a clock that went back changes nothing', () => {
  let place = placeOf(12 * HOUR_MS);
  for (let check = 0; check < 12; check += 1) place = blended(place, 6 * HOUR_MS);
  near(hours(place), 6, 0.5);
  assert.is(blended(place, -HOUR_MS), place);
});

test('quantiles go from the shortest gap to the longest, and an empty fleet has none', () => {
  assert.equal(gapsOf(new Uint32Array(GAP_PLACES)), NO_GAPS);
  const one = gapsOf(tallyOf([HOUR_MS]));
  assert.equal([one.devices, one.quantilesMs.length], [1, 21]);
  const mixed = gapsOf(tallyOf([...Array(90).fill(6 * HOUR_MS), ...Array(10).fill(48 * HOUR_MS)]));
  assert.is(mixed.devices, 100);
  near((medianOf(mixed) ?? 0) / HOUR_MS, 6, 0.3);
  near(longestOf(mixed) / HOUR_MS, 48, 2);
});

test('half of a fleet that checks every six hours is seen after three, and all of it after six', () => {
  near(seenWithin(SIX_HOURS, 3 * HOUR_MS), 0.5, 0.02);
  near(seenWithin(SIX_HOURS, 7 * HOUR_MS), 1, 0);
  assert.is(seenWithin(SIX_HOURS, -1), 0);
  const lifeMs = 12 * HOUR_MS;
  assert.is(followedWithin(SIX_HOURS, lifeMs, lifeMs), 0);
  near(followedWithin(SIX_HOURS, 18 * HOUR_MS, lifeMs), 0.5, 0.02);
  near(followedWithin(SIX_HOURS, 25 * HOUR_MS, lifeMs), 1, 0);
  near((timeUntil(0.5, DAY_MS, ms => seenWithin(SIX_HOURS, ms)) ?? 0) / HOUR_MS, 3, 0.2);
  assert.is(
    timeUntil(1.01, DAY_MS, ms => seenWithin(SIX_HOURS, ms)),
    undefined,
  );
  assert.is(
    timeUntil(0, DAY_MS, () => 1),
    0,
  );
});

test.run();
