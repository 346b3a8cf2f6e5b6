/** How a device's report counts: what cannot be true is kept as a contradiction and counts as nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  beginsRepeating,
  type OUTCOMES,
  RESULT_REASONS,
  recordedOf,
} from '../../controller/domain/outcome.ts';

const of = (
  outcome: (typeof OUTCOMES)[number],
  reason: (typeof RESULT_REASONS)[number],
  versionCode = 43,
) => {
  const recorded = recordedOf({ outcome, reason, versionCode }, 43);
  return `${recorded.outcome} ${recorded.reason}`;
};

test('ok takes only the reason installed and the version of the build', () => {
  assert.is(of('ok', 'installed'), 'ok installed');
  for (const reason of RESULT_REASONS)
    if (reason !== 'installed') assert.is(of('ok', reason), `contradictory ${reason}`);
  assert.is(of('ok', 'installed', 41), 'contradictory installed');
  assert.is(of('ok', 'installed', 44), 'contradictory installed');
  // Of a former build the version may not be known.
  const unknown = recordedOf({ outcome: 'ok', reason: 'installed', versionCode: 41 }, undefined);
  assert.is(unknown.outcome, 'ok');
});

test('a failure with a reason that is no failure counts as internal, all others as they are', () => {
  const odd = RESULT_REASONS.filter(
    reason => of('fail', reason) === 'fail internal' && reason !== 'internal',
  );
  assert.equal(odd, [
    'installed',
    'already_installed',
    'wifi',
    'battery',
    'call',
    'unknown_conditions',
    'superseded',
    'outside_cohort',
    'penalty',
  ]);
  for (const reason of RESULT_REASONS)
    if (!odd.includes(reason)) assert.is(of('fail', reason, 41), `fail ${reason}`);
  assert.is(
    recordedOf({ outcome: 'fail', reason: 'wifi', versionCode: 41 }, 43).note,
    'reported as fail with reason wifi',
  );
});

test('deferred and skipped take their own reasons, whatever version runs', () => {
  const taken = (outcome: 'deferred' | 'skipped') =>
    RESULT_REASONS.filter(reason => of(outcome, reason, 41) === `${outcome} ${reason}`);
  assert.equal(taken('deferred').sort(), [
    'battery',
    'call',
    'download_failed',
    'download_truncated',
    'penalty',
    'storage',
    'unknown_conditions',
    'wifi',
  ]);
  assert.equal(taken('skipped').sort(), [
    'already_installed',
    'downgrade_refused',
    'incompatible_sdk',
    'manifest_invalid',
    'offer_gone',
    'outside_cohort',
    'penalty',
    'superseded',
    'url_refused',
  ]);
  assert.is(of('skipped', 'installed'), 'contradictory installed');
});

test('three installs within a day begin to repeat; the ones after them are no news', () => {
  const HOUR_MS = 3_600_000;
  const at = (...hours: number[]): boolean => beginsRepeating(hours.map(hour => hour * HOUR_MS));
  assert.equal([at(), at(9), at(9, 5)], [false, false, false]);
  assert.is(at(9, 5, 1), true);
  assert.is(at(24, 5, 0), true, 'a day to the second');
  assert.is(at(24.001, 5, 0), false);
  assert.is(at(13, 9, 5, 1), false, 'it was told before');
  assert.is(at(60, 50, 40, 30), false);
  assert.is(at(60, 50, 40, 20), true);
  assert.is(at(60, 50, 40, 25.999), true, 'the three before were not within a day');
});

test.run();
