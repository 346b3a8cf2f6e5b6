import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forecast, nextChangeMs, nextStepOf, percentBy } from '../../../controller/domain/ramp/forecast.ts';
import { newRamp, type RampProgress } from '../../../controller/domain/ramp/progress.ts';
import type { FreezeWindow, Rollout, Suspend } from '../../../controller/domain/release.ts';
import { aBuild, aPolicy, aRamp, aRollout, aState, HOUR_MS, NOW_MS } from '../../support/state.ts';

const STEPS = [[1, 4], [10, 24], [50, 24], [100]] as const;
const hours = (count: number): number => NOW_MS + count * HOUR_MS;
const ramped = (over: Partial<Rollout> = {}): Rollout =>
  aRollout({ exposure: aRamp(undefined, ...STEPS), ...over });
const at = (step: number, servedHours = 0): RampProgress => ({
  ...newRamp({ startMs: undefined }, NOW_MS),
  step,
  exposureMs: servedHours * HOUR_MS,
});
const suspend = (from: number, to: number): Suspend => ({
  reason: 'x',
  sinceMs: hours(from),
  untilMs: hours(to),
});
/** NOW is a Monday at 12:00 UTC. */
const evening: FreezeWindow = {
  reason: 'evening',
  timeZone: 'UTC',
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  fromMinute: 15 * 60,
  toMinute: 20 * 60,
};
const always: FreezeWindow = { ...evening, fromMinute: 0, toMinute: 1440 };

const comes = (rollout: Rollout, progress: RampProgress, freeze: readonly FreezeWindow[] = []) =>
  forecast(rollout, progress, NOW_MS, freeze)
    .filter(s => s.state === 'next')
    .map(s => (s.atMs === undefined ? 'never' : (s.atMs - NOW_MS) / HOUR_MS));

test('each step comes when those before it will have been served', () => {
  assert.equal(comes(ramped(), at(-1)), [0, 4, 28, 52]);
  assert.equal(comes(ramped(), at(0, 1)), [3, 27, 51]);
  assert.equal(comes(ramped(), at(1, 30)), [0, 24], 'one that waits longer than it holds comes at once');
  assert.equal(comes(ramped(), at(3, 9)), []);
  assert.equal(forecast(aRollout(10), at(0), NOW_MS, []), []);
});

test('a ramp that begins later, and one of which nothing is known', () => {
  const later = newRamp({ startMs: hours(6) }, NOW_MS);
  assert.equal(comes(ramped(), later), [6, 10, 34, 58]);
  const unknown = forecast(ramped(), undefined, NOW_MS, []).map(s => s.state);
  assert.equal(unknown, ['next', 'next', 'next', 'next']);
});

test('steps that are over have no moment, the standing one that of its entry', () => {
  const [past, now] = forecast(ramped(), at(1), NOW_MS, []);
  assert.equal([past?.state, past?.atMs], ['past', undefined]);
  assert.equal([now?.state, now?.atMs], ['now', NOW_MS]);
});

for (const [name, window, expected] of [
  ['ahead, within the step', suspend(1, 2), [4, 28, 52]],
  ['over its end', suspend(2, 12), [13, 37, 61]],
  ['that holds now', suspend(-1, 5), [8, 32, 56]],
  ['that is over', suspend(-9, -1), [3, 27, 51]],
  ['from the very end of the step on', suspend(3, 7), [7, 31, 55]],
  ['in the step after it', suspend(10, 12), [3, 29, 53]],
] as const)
  test(`a suspend ${name} is not served`, () => {
    assert.equal(comes(ramped({ suspend: window }), at(0, 1)), expected);
  });

test('a step waits for the end of a freeze window, and those after it with it', () => {
  assert.equal(comes(ramped(), at(0, 0), [evening]), [8, 32, 56]);
  assert.equal(comes(ramped(), at(0, 0), [always]), ['never', 'never', 'never']);
});

test('what a ramp has reached by a moment if it never waits', () => {
  const by = (h: number) => percentBy(ramped(), at(0, 1), NOW_MS, hours(h), []);
  assert.equal([-5, 0, 2.9, 3, 27, 51, 900].map(by), [1, 1, 1, 10, 50, 100, 100]);
  assert.is(percentBy(aRollout(7), undefined, NOW_MS, hours(9), []), 7);
});

test('a step that is overdue has not been reached until a look enters it', () => {
  const by = (h: number) => percentBy(ramped(), at(0, 30), NOW_MS, hours(h), []);
  assert.equal([-1, 0, 0.1, 24].map(by), [1, 1, 10, 50]);
});

test('without a policy no freeze window holds a step back', () => {
  const timed = { state: aState({ rollout: ramped() }), progress: at(0, 1) };
  assert.is(nextStepOf(timed, NOW_MS)?.atMs, hours(3));
});

for (const [name, window, step, expected] of [
  ['the step, where the suspend begins after it', suspend(10, 12), 0, hours(4)],
  ['the end of a suspend that begins now', suspend(0, 2), 3, hours(2)],
  ['the start of one that lies ahead', suspend(1, 2), 3, hours(1)],
  ['nothing, where the suspend is over', suspend(-3, -1), 3, undefined],
  ['nothing, where the suspend ends before it begins', suspend(3, 1), 3, undefined],
] as const)
  test(`what time changes next is ${name}`, () => {
    const state = aState({ rollout: ramped({ suspend: window }) });
    assert.is(nextChangeMs({ state, progress: at(step) }, NOW_MS), expected);
  });

test('the next change is a step or the edge of a suspend', () => {
  const timed = (rollout: Rollout, progress: RampProgress | undefined, policy = aPolicy()) => ({
    state: aState({ rollout, policy }),
    progress,
  });
  assert.equal(nextStepOf(timed(ramped(), at(0, 1)), NOW_MS), { percent: 10, atMs: hours(3) });
  assert.is(nextChangeMs(timed(ramped(), at(0, 1)), NOW_MS), hours(3));
  assert.is(nextChangeMs(timed(ramped({ suspend: suspend(1, 2) }), at(0, 1)), NOW_MS), hours(1));
  assert.is(nextChangeMs(timed(ramped({ suspend: suspend(-1, 2) }), at(3)), NOW_MS), hours(2));
  assert.is(nextChangeMs(timed(aRollout(10), undefined), NOW_MS), undefined);
  assert.is(nextChangeMs(timed(ramped({ rollback: true }), at(0)), NOW_MS), undefined);
  const withdrawn = [aBuild(41), aBuild(42, { withdrawn: { reason: 'x', atMs: 0 } })];
  const gone = { state: aState({ rollout: ramped(), builds: withdrawn }), progress: at(0) };
  assert.is(nextStepOf(gone, NOW_MS), undefined);
  const frozen = timed(ramped(), at(0, 4), aPolicy({ freezeWindows: [always] }));
  assert.is(nextStepOf(frozen, NOW_MS), undefined);
});

test.run();
