import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  advanceClock,
  continuesRamp,
  elapsedMs,
  finalPercent,
  isSuspended,
  momentOf,
  newClock,
  nextChangeMs,
  percentAt,
  type RampClock,
  stepAt,
} from '../../controller/domain/ramp.ts';
import type { RampStep, Rollout, Suspend } from '../../controller/domain/release.ts';
import { aRamp, aRollout, DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';

const STEPS = [[1, 4], [10, 24], [50, 24], [100]] as const;
const ramped = (over: Partial<Rollout> = {}): Rollout =>
  aRollout({ exposure: aRamp(NOW_MS, ...STEPS), ...over });
const suspend = (fromHours: number, toHours: number): Suspend => ({
  reason: 'x',
  sinceMs: NOW_MS + fromHours * HOUR_MS,
  untilMs: NOW_MS + toHours * HOUR_MS,
});
const hours = (count: number): number => NOW_MS + count * HOUR_MS;
const clock = newClock(NOW_MS);

// ---------------------------------------------------------------- table rows

for (const [afterHours, percent] of [
  [-0.001, 0],
  [0, 1],
  [3.999, 1],
  [4, 10],
  [27.999, 10],
  [28, 50],
  [52, 100],
  [10_000, 100],
] as const)
  test(`a ramp that started ${afterHours} h ago exposes ${percent} %`, () => {
    assert.is(percentAt(ramped(), clock, hours(afterHours)), percent);
  });

test('a plain percentage knows no time', () => {
  for (const at of [0, NOW_MS, NOW_MS + 400 * DAY_MS])
    assert.is(percentAt(aRollout(33.33), clock, at), 33.33);
  assert.is(nextChangeMs(aRollout(33.33), clock, NOW_MS), undefined);
});

test('the last step lasts for good, also with a hold of its own', () => {
  const exposure = aRamp(NOW_MS, [1, 4], [100, 1]);
  assert.is(percentAt(aRollout({ exposure }), clock, hours(1_000)), 100);
  assert.is(nextChangeMs(aRollout({ exposure }), clock, hours(4)), undefined);
});

test('the largest exposure a rollout can reach by itself', () => {
  assert.is(finalPercent(ramped()), 100);
  assert.is(finalPercent(aRollout({ exposure: aRamp(NOW_MS, [1, 4], [25]) })), 25);
  assert.is(finalPercent(aRollout(7)), 7);
});

for (const [name, window, expected] of [
  ['in the first step', suspend(2, 12), [1, 1, 1, 1, 10, 10]],
  ['over a boundary, which then comes later', suspend(3, 10), [1, 1, 1, 10, 10, 10]],
  ['before the start, until after it', suspend(-5, 6), [1, 1, 1, 10, 10, 10]],
  ['over before the start', suspend(-9, -5), [1, 1, 10, 10, 10, 10]],
  ['in the last step', suspend(60, 61), [1, 1, 10, 10, 10, 10]],
] as const)
  test(`a suspend ${name} freezes the ramp where it stands and goes on from there`, () => {
    const at = [0, 3.9, 4, 11, 14, 15].map(h => percentAt(ramped({ suspend: window }), clock, hours(h)));
    assert.equal(at, expected);
  });

test('offers are frozen from since up to until, not at until', () => {
  const rollout = ramped({ suspend: suspend(1, 2) });
  assert.equal(
    [0.999, 1, 1.999, 2].map(h => isSuspended(rollout, hours(h))),
    [false, true, true, false],
  );
});

test('start left out is the moment at which the ramp came to stand', () => {
  const rollout = ramped({ exposure: aRamp(undefined, ...STEPS) });
  assert.equal(advanceClock(undefined, rollout, 5_000), newClock(5_000));
  assert.equal(advanceClock(undefined, ramped(), 5_000), newClock(NOW_MS));
});

for (const [name, before, after, continues] of [
  ['another step or hold', ramped(), ramped({ exposure: aRamp(NOW_MS, [1, 4], [20, 24], [100]) }), true],
  ['other constraints and a reason', ramped(), ramped({ wifiOnly: false, reason: 'x' }), true],
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
    const stood = { startMs: NOW_MS, frozenMs: 7, countedUntilMs: hours(1) };
    const next = advanceClock({ rollout: before, clock: stood }, after, hours(2));
    if (continues) assert.equal(next, { ...stood, countedUntilMs: hours(2) });
    else assert.is(next.frozenMs, 0);
  });

test('a suspend that is removed early gives no time back and takes none twice', () => {
  const suspended = ramped({ suspend: suspend(1, 100) });
  const removed = advanceClock({ rollout: suspended, clock }, ramped(), hours(3));
  assert.is(elapsedMs(ramped(), removed, hours(3)), HOUR_MS);
  assert.is(percentAt(ramped(), removed, hours(5.999)), 1);
  assert.is(percentAt(ramped(), removed, hours(6)), 10);
});

test('a suspend that is extended freezes without a seam', () => {
  const longer = ramped({ suspend: suspend(1, 10) });
  const extended = advanceClock({ rollout: ramped({ suspend: suspend(1, 4) }), clock }, longer, hours(3));
  assert.is(elapsedMs(longer, extended, hours(9)), HOUR_MS);
  assert.is(elapsedMs(longer, extended, hours(12)), 3 * HOUR_MS);
});

test('a suspend written with an earlier since freezes only what lies ahead', () => {
  const backdated = ramped({ suspend: suspend(-50, 10) });
  const next = advanceClock({ rollout: ramped(), clock }, backdated, hours(3));
  assert.is(elapsedMs(backdated, next, hours(9)), 3 * HOUR_MS);
});

test('commit times that run backwards count nothing twice', () => {
  const suspended = ramped({ suspend: suspend(1, 9) });
  const first = advanceClock({ rollout: suspended, clock }, suspended, hours(5));
  const second = advanceClock({ rollout: suspended, clock: first }, suspended, hours(2));
  assert.is(second.frozenMs, 4 * HOUR_MS);
  assert.is(elapsedMs(suspended, second, hours(9)), HOUR_MS);
});

test('under a rollback time changes nothing but a suspend’s edges', () => {
  assert.is(nextChangeMs(ramped({ rollback: true }), clock, NOW_MS - 1), undefined);
  assert.is(nextChangeMs(ramped({ rollback: true, suspend: suspend(1, 2) }), clock, NOW_MS), hours(1));
});

// ---------------------------------------------------------------- properties, in small whole numbers of ms

const steps: fc.Arbitrary<RampStep[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 })
  .chain(percents =>
    fc
      .array(fc.integer({ min: 1, max: 20 }), { minLength: percents.length, maxLength: percents.length })
      .map(holds =>
        [...percents]
          .sort((a, b) => a - b)
          .map((percent, n) => ({ percent, holdMs: n === percents.length - 1 ? undefined : holds[n] })),
      ),
  );
const window: fc.Arbitrary<Suspend | undefined> = fc.option(
  fc
    .tuple(fc.integer({ min: -20, max: 80 }), fc.integer({ min: 1, max: 40 }))
    .map(([sinceMs, lengthMs]) => ({ reason: 'x', sinceMs, untilMs: sinceMs + lengthMs })),
  { nil: undefined },
);
const START = 10;
const rollouts: fc.Arbitrary<Rollout> = fc
  .record({ steps, window, rollback: fc.boolean() })
  .map(({ steps, window, rollback }) =>
    aRollout({ exposure: { kind: 'ramp', ramp: { startMs: START, steps } }, suspend: window, rollback }),
  );
const clocks: fc.Arbitrary<RampClock> = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 30 }))
  .map(([frozenMs, later]) => ({ startMs: START, frozenMs, countedUntilMs: START + frozenMs + later }));
const HORIZON = 250;

test('exposure never falls while nobody edits', () => {
  fc.assert(
    fc.property(
      rollouts,
      clocks,
      fc.integer({ min: -5, max: HORIZON }),
      fc.nat(50),
      (rollout, at, ms, more) => {
        const nowMs = Math.max(ms, at.countedUntilMs);
        assert.ok(percentAt(rollout, at, nowMs + more) >= percentAt(rollout, at, nowMs));
      },
    ),
  );
});

test('time that is frozen is exactly the time that is not counted, whatever is edited on the way', () => {
  const edits = fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), window), { maxLength: 6 });
  fc.assert(
    fc.property(steps, window, edits, fc.integer({ min: 0, max: 120 }), (steps, first, edits, lookMs) => {
      const make = (suspend: Suspend | undefined) =>
        aRollout({ exposure: { kind: 'ramp', ramp: { startMs: START, steps } }, suspend });
      const revisions = [...edits].sort(([a], [b]) => a - b).filter(([atMs]) => atMs <= lookMs);
      let standing = { rollout: make(first), clock: newClock(START) };
      for (const [atMs, suspend] of revisions) {
        const rollout = make(suspend);
        standing = { rollout, clock: advanceClock(standing, rollout, atMs) };
      }
      // the same told millisecond by millisecond
      let ticks = 0;
      for (let ms = START; ms < lookMs; ms++) {
        const suspended = revisions.findLast(([atMs]) => atMs <= ms);
        if (!isSuspended(make(suspended === undefined ? first : suspended[1]), ms)) ticks++;
      }
      assert.is(Math.max(0, elapsedMs(standing.rollout, standing.clock, Math.max(lookMs, START))), ticks);
    }),
    { numRuns: 500 },
  );
});

test('the next change is a change, and nothing changes before it', () => {
  fc.assert(
    fc.property(rollouts, clocks, fc.integer({ min: -30, max: HORIZON }), (rollout, at, ms) => {
      const nowMs = Math.max(ms, at.countedUntilMs - 25);
      const offered = (t: number) =>
        isSuspended(rollout, t) ? 'suspended' : rollout.rollback ? 'rollback' : percentAt(rollout, at, t);
      const next = nextChangeMs(rollout, at, nowMs);
      for (let t = nowMs; t < (next ?? HORIZON * 2); t++) assert.is(offered(t), offered(nowMs), `at ${t}`);
      if (next !== undefined) assert.is.not(offered(next), offered(next - 1));
    }),
    { numRuns: 500 },
  );
});

test('momentOf is the inverse of elapsed time', () => {
  fc.assert(
    fc.property(rollouts, clocks, fc.nat(100), (rollout, at, elapsed) => {
      const moment = momentOf(rollout, at, elapsed);
      if (moment < at.countedUntilMs) return; // what was, was frozen by revisions that stand no more
      assert.is(elapsedMs(rollout, at, moment), elapsed);
    }),
  );
});

test('a step that was reached is stepped through in order', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: -5, max: 200 }), (steps, elapsed) => {
      const now = stepAt({ startMs: 0, steps }, elapsed);
      const later = stepAt({ startMs: 0, steps }, elapsed + 1);
      assert.ok(later === now || later === now + 1);
      assert.is(now === -1, elapsed < 0);
    }),
  );
});

test.run();
