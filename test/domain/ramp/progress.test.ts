import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  carryOver,
  continuesRamp,
  finalPercent,
  isSuspended,
  newRamp,
  percentAt,
  percentOnceOpen,
  type RampProgress,
} from '../../../controller/domain/ramp/progress.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import { aRamp, aRollout, HOUR_MS, NOW_MS } from '../../support/state.ts';

const STEPS = [[1, 4], [10, 24], [50, 24], [100]] as const;
const ramped = (over: Partial<Rollout> = {}): Rollout =>
  aRollout({ exposure: aRamp(NOW_MS, ...STEPS), ...over });
const steps = (...of: readonly (readonly [number, number?])[]): Rollout =>
  aRollout({ exposure: aRamp(NOW_MS, ...of) });
const hours = (count: number): number => NOW_MS + count * HOUR_MS;
const at = (step: number, exposureMs = HOUR_MS): RampProgress => ({
  ...newRamp({ startMs: NOW_MS }, NOW_MS),
  step,
  exposureMs,
  servedMs: 9 * HOUR_MS,
});

test('exposure is the percent of the highest step that was entered, and 0 before', () => {
  assert.equal(
    [-1, 0, 1, 2, 3].map(step => percentAt(ramped(), at(step))),
    [0, 1, 10, 50, 100],
  );
  assert.is(percentAt(ramped(), undefined), 0, 'nobody knows how far it has come');
  assert.is(percentAt(aRollout(33.33), undefined), 33.33);
});

test('the largest exposure a rollout can reach by itself', () => {
  assert.is(finalPercent(ramped()), 100);
  assert.is(finalPercent(steps([1, 4], [25])), 25);
  assert.is(finalPercent(aRollout(7)), 7);
});

test('offers are frozen from since up to until, not at until', () => {
  const suspend = { reason: 'x', sinceMs: hours(1), untilMs: hours(2) };
  assert.equal(
    [0.999, 1, 1.999, 2].map(h => isSuspended({ suspend }, hours(h))),
    [false, true, true, false],
  );
});

for (const [name, before, after, continues] of [
  ['another step or hold', ramped(), steps([1, 4], [20, 24], [100]), true],
  ['other constraints and a reason', ramped(), ramped({ wifiOnly: false, reason: 'x' }), true],
  ['another last_safe and another canary', ramped(), ramped({ lastSafe: 'b40' }), true],
  ['a rollback begun', ramped(), ramped({ rollback: true }), true],
  ['a rollback ended', ramped({ rollback: true }), ramped(), false],
  ['a rollback that goes on', ramped({ rollback: true }), ramped({ rollback: true, reason: 'x' }), true],
  ['another build', ramped(), ramped({ current: 'b43' }), false],
  ['another start', ramped(), ramped({ exposure: aRamp(hours(1), ...STEPS) }), false],
  ['the start taken out', ramped(), ramped({ exposure: aRamp(undefined, ...STEPS) }), false],
  ['a percentage before', aRollout(5), ramped(), false],
  ['a percentage after', ramped(), aRollout(5), false],
] as const)
  test(`${name} ${continues ? 'goes on with' : 'ends'} the ramp`, () => {
    assert.is(continuesRamp(before, after), continues);
    const progress = at(1);
    const next = carryOver({ rollout: before, progress }, after, hours(2));
    if (after.exposure.kind === 'percent') return assert.is(next, undefined);
    assert.is(next?.rampId === progress.rampId, continues);
    if (!continues) assert.equal([next?.step, next?.exposureMs, next?.servedMs], [-1, 0, 0]);
  });

for (const [name, startMs, begins] of [
  ['without a written start', undefined, hours(9)],
  ['whose start has passed', NOW_MS, hours(9)],
  ['whose start lies ahead', hours(12), hours(12)],
] as const)
  test(`a ramp ${name} begins at the later of its start and the moment it is first applied`, () => {
    const rollout = ramped({ exposure: aRamp(startMs, ...STEPS) });
    const progress = carryOver(undefined, rollout, hours(9));
    assert.is(progress?.beginsAtMs, begins);
    assert.is(percentAt(rollout, progress), 0);
    assert.is(percentOnceOpen(rollout, progress, hours(9)), begins > hours(9) ? 0 : 1);
  });

test('a ramp that begins again in the same millisecond, or after the clock went back, is another one', () => {
  const first = newRamp({ startMs: undefined }, NOW_MS);
  assert.is(newRamp({ startMs: undefined }, NOW_MS, first).rampId, first.rampId + 1);
  assert.is(newRamp({ startMs: undefined }, NOW_MS - HOUR_MS, first).rampId, first.rampId + 1);
});

for (const [name, before, step, after, expected] of [
  ['the same percents keep step and time', STEPS, 1, [[1, 9], [10, 2], [60, 1], [100]], [1, HOUR_MS]],
  ['a step put in below keeps step and time', STEPS, 1, [[1, 4], [5, 4], [10, 24], [100]], [2, HOUR_MS]],
  ['a step taken out below keeps step and time', STEPS, 2, [[10, 4], [50, 24], [100]], [1, HOUR_MS]],
  ['a lower percent narrows at once', STEPS, 2, [[1, 4], [10, 24], [25, 24], [100]], [2, 0]],
  ['a higher percent is not let through', STEPS, 1, [[1, 4], [25, 24], [100]], [0, 0]],
  ['nothing as low as what was let through', STEPS, 1, [[25, 4], [100]], [-1, 0]],
  ['the last step taken out', STEPS, 3, [[1, 4], [10]], [1, 0]],
  ['before the first step', STEPS, -1, [[25, 4], [100]], [-1, HOUR_MS]],
] as const)
  test(`an edit of steps: ${name}`, () => {
    const progress = at(step);
    const next = carryOver({ rollout: steps(...before), progress }, steps(...after), hours(2));
    assert.equal([next?.step, next?.exposureMs], expected);
    assert.is(next?.rampId, progress.rampId);
    if (expected[0] >= 0) assert.is(next?.beginsAtMs, progress.beginsAtMs, 'it has begun');
    assert.ok(percentAt(steps(...after), next) <= percentAt(steps(...before), progress), 'never wider');
  });

test('where no new step is as low as what was let through, the first one waits as the next one would have', () => {
  const steep = steps([25, 4], [100]);
  const next = carryOver({ rollout: ramped(), progress: at(1, 10 * HOUR_MS) }, steep, hours(30));
  assert.equal([next?.step, next?.beginsAtMs], [-1, hours(30 + 14)]);
  assert.is(percentAt(steep, next), 0);
  assert.is(percentOnceOpen(steep, next, hours(30)), 0);
});

test('where the last step stood, which has no hold, the first new step waits for all of its own', () => {
  const steep = steps([50, 24], [100]);
  const stood = { rollout: steps([1, 4], [25]), progress: at(1, 10 * HOUR_MS) };
  const next = carryOver(stood, steep, hours(30));
  assert.equal([next?.step, next?.beginsAtMs], [-1, hours(30 + 24)]);
});

test('50 edited to 25 is 25 at once, and 50 again comes one step at a time', () => {
  const narrow = steps([1, 4], [10, 24], [25, 24], [100]);
  const narrowed = carryOver({ rollout: ramped(), progress: at(2) }, narrow, hours(1));
  assert.is(percentAt(narrow, narrowed), 25);
  const raised = carryOver({ rollout: narrow, progress: narrowed }, ramped(), hours(2));
  assert.is(percentAt(ramped(), raised), 10);
});

test.run();
