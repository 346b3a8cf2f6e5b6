/** The clock of version 0.1 is read once more: its table of moments, as it was tested then. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type OldClock, progressOfOldClock } from '../../../controller/domain/ramp/old-clock.ts';
import { percentAt } from '../../../controller/domain/ramp/progress.ts';
import type { Rollout, Suspend } from '../../../controller/domain/release.ts';
import { aRamp, aRollout, HOUR_MS, NOW_MS } from '../../support/state.ts';

const STEPS = [[1, 4], [10, 24], [50, 24], [100]] as const;
const ramped = (over: Partial<Rollout> = {}): Rollout =>
  aRollout({ exposure: aRamp(NOW_MS, ...STEPS), ...over });
const hours = (count: number): number => NOW_MS + count * HOUR_MS;
const clock: OldClock = { startMs: NOW_MS, frozenMs: 0, countedUntilMs: NOW_MS };

for (const [afterHours, percent, inStepHours] of [
  [-0.5, 0, 0],
  [0, 1, 0],
  [3.5, 1, 3.5],
  [4, 10, 0],
  [27.5, 10, 23.5],
  [28, 50, 0],
  [52, 100, 0],
  [10_000, 100, 9_948],
] as const)
  test(`a ramp that started ${afterHours} h ago had come to ${percent} %`, () => {
    const progress = progressOfOldClock(ramped(), clock, hours(afterHours));
    assert.is(percentAt(ramped(), progress), percent);
    assert.is(progress?.exposureMs, inStepHours * HOUR_MS);
    assert.is(progress?.beginsAtMs, NOW_MS);
  });

test('a plain percentage had no clock', () => {
  assert.is(progressOfOldClock(aRollout(33), clock, NOW_MS), undefined);
});

const suspend = (from: number, to: number): Suspend => ({
  reason: 'x',
  sinceMs: hours(from),
  untilMs: hours(to),
});
for (const [name, window, expected] of [
  ['in the first step', suspend(2, 12), [1, 1, 1, 1, 10, 10]],
  ['over a boundary', suspend(3, 10), [1, 1, 1, 10, 10, 10]],
  ['before the start, until after it', suspend(-5, 6), [1, 1, 1, 10, 10, 10]],
  ['over before the start', suspend(-9, -5), [1, 1, 10, 10, 10, 10]],
] as const)
  test(`a suspend ${name} had frozen it`, () => {
    const rollout = ramped({ suspend: window });
    const at = [0, 3.9, 4, 11, 14, 15].map(h =>
      percentAt(rollout, progressOfOldClock(rollout, clock, hours(h))),
    );
    assert.equal(at, expected);
  });

test('the standing step was entered when the steps before it had been served', () => {
  assert.is(progressOfOldClock(ramped(), clock, hours(27))?.enteredAtMs, hours(4));
});

for (const [name, holds, expected] of [
  ['the last step lasted for good, even if it had a hold', [4, 4], [1, 96]],
  ['a step without a hold lasted for good, even in the middle', [4, undefined, 4], [1, 96]],
] as const)
  test(name, () => {
    const steps = holds.map(hold => ({ holdMs: hold && hold * HOUR_MS }));
    const progress = progressOfOldClock({ exposure: { kind: 'ramp', ramp: { steps } } }, clock, hours(100));
    assert.equal([progress?.step, progress?.exposureMs], [expected[0], expected[1] * HOUR_MS]);
  });

test('what earlier revisions had frozen is not counted again', () => {
  const counted: OldClock = { startMs: NOW_MS, frozenMs: 4 * HOUR_MS, countedUntilMs: hours(8) };
  const rollout = ramped({ suspend: suspend(-50, 10) });
  assert.is(progressOfOldClock(rollout, counted, hours(12))?.exposureMs, 2 * HOUR_MS);
  assert.is(progressOfOldClock(rollout, counted, hours(12))?.step, 1);
});

test.run();
