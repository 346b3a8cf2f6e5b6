/** What a commit makes of a ramp as it is applied: whether it goes on, and whether its first step may be entered. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import type { Halt } from '../../../controller/domain/halt.ts';
import { type Applying, standingOnceApplied } from '../../../controller/domain/ramp/begin.ts';
import { newRamp, type RampProgress } from '../../../controller/domain/ramp/progress.ts';
import type { DesiredState, FreezeWindow, Rollout } from '../../../controller/domain/release.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import { aBuild, aHalt, aPolicy, aRamp, aRollout, aState, HOUR_MS, NOW_MS } from '../../support/state.ts';

const ramped = (over: Partial<Rollout> = {}): Rollout =>
  aRollout({ exposure: aRamp(undefined, [1, 4], [10, 24], [100]), ...over });
const exposure = ramped().exposure;
if (exposure.kind !== 'ramp') throw new Error('aRamp makes a ramp');
const gated = (): Rollout =>
  aRollout({ exposure: { kind: 'ramp', ramp: { ...exposure.ramp, gate: DEFAULT_GATE } } });

const halt = (buildId: string): Halt => aHalt({ buildId, atMs: NOW_MS - HOUR_MS });
/** Stood since two hours before now, in its first step. */
const entered: RampProgress = {
  ...newRamp({ startMs: undefined }, NOW_MS - 2 * HOUR_MS),
  step: 0,
  exposureMs: 2 * HOUR_MS,
};
const stands = (rollout: Rollout, over: Partial<Standing> = {}): Standing => ({
  state: aState({ rollout }),
  progress: undefined,
  formerBuilds: new Map(),
  ...over,
});
const after = (state: DesiredState, before?: Standing, over: Partial<Applying> = {}): Standing =>
  standingOnceApplied(before, state, { nowMs: NOW_MS, ...over });

// ---------------------------------------------------------------- the first step

for (const [name, rollout] of [
  ['without a gate', ramped()],
  ['with a gate', gated()],
] as const)
  test(`a ramp ${name} enters its first step as it is applied`, () => {
    const { progress } = after(aState({ rollout }));
    assert.equal([progress?.step, progress?.enteredAtMs, progress?.beginsAtMs], [0, NOW_MS, NOW_MS]);
    assert.equal([progress?.exposureMs, progress?.servedMs], [0, 0]);
  });

test('a plain percent has no progress', () => {
  assert.is(after(aState({ rollout: 10 })).progress, undefined);
  assert.is(after(aState({ rollout: 10 }), stands(ramped(), { progress: entered })).progress, undefined);
  const broken = after(aState({ rollout: 10 }), stands(aRollout(5)), { broken: true });
  assert.is(broken.progress, undefined);
});

const always: FreezeWindow = {
  reason: 'audit',
  timeZone: 'UTC',
  days: ['mon'],
  fromMinute: 0,
  toMinute: 1440,
};
const freeze = aPolicy({ freezeWindows: [always] });
const suspend = { reason: 'x', sinceMs: NOW_MS, untilMs: NOW_MS + HOUR_MS };
const withdrawn = [aBuild(41), aBuild(42, { withdrawn: { reason: 'x', atMs: 0 } })];
const guarded = {
  ...exposure.ramp,
  steps: exposure.ramp.steps.map(s => ({ ...s, approval: true as const })),
};
for (const [name, state, applying] of [
  [
    'a written start that lies ahead',
    aState({ rollout: { exposure: aRamp(NOW_MS + 1, [1, 4], [100]) } }),
    {},
  ],
  ['a freeze window', aState({ rollout: ramped(), policy: freeze }), {}],
  ['a freeze window, with a gate', aState({ rollout: gated(), policy: freeze }), {}],
  ['a suspend', aState({ rollout: ramped({ suspend }) }), {}],
  ['a clock that is held', aState({ rollout: ramped() }), { clockHeld: true }],
  ['a rollback', aState({ rollout: ramped({ rollback: true }) }), {}],
  ['a withdrawn build', aState({ rollout: ramped(), builds: withdrawn }), {}],
  ['a halt that stays', aState({ rollout: ramped() }), { kept: [halt('b42')] }],
  ['an approval', aState({ rollout: { exposure: { kind: 'ramp', ramp: guarded } } }), {}],
] as const)
  test(`${name} keeps the first step shut`, () => {
    assert.is(after(state, undefined, applying).progress?.step, -1);
  });

test('a freeze window is that of the policy that stood: no commit ends it for itself, nor begins one', () => {
  const frozen = { ...stands(aRollout(0)), state: aState({ rollout: 0, policy: freeze }) };
  const open = { ...stands(aRollout(0)), state: aState({ rollout: 0, policy: aPolicy() }) };
  assert.is(after(aState({ rollout: ramped(), policy: aPolicy() }), frozen).progress?.step, -1);
  assert.is(after(aState({ rollout: ramped(), policy: freeze }), open).progress?.step, 0);
  assert.is(after(aState({ rollout: ramped(), policy: freeze }), stands(aRollout(0))).progress?.step, 0);
});

// ---------------------------------------------------------------- a ramp that goes on, and one that begins again

test('a commit never enters a later step, however long the first one was served', () => {
  const long = { ...entered, exposureMs: 90 * HOUR_MS };
  const { progress } = after(aState({ rollout: ramped() }), stands(ramped(), { progress: long }));
  assert.equal(progress, long);
});

test('a rollout that stood in between begins the ramp anew, as another ramp', () => {
  const recent = { ...entered, rampId: NOW_MS };
  const before = stands(ramped(), { progress: recent });
  const { progress } = after(aState({ rollout: ramped() }), before, { broken: true });
  assert.equal([progress?.rampId, progress?.step, progress?.exposureMs], [NOW_MS + 1, 0, 0]);
  assert.is(after(aState({ rollout: ramped() }), undefined, { broken: true }).progress?.rampId, NOW_MS);
  const whole = after(aState({ rollout: ramped() }), before, { broken: false });
  assert.is(whole.progress?.rampId, NOW_MS);
  assert.is(whole.progress?.exposureMs, 2 * HOUR_MS);
});

// ---------------------------------------------------------------- halts and former builds

test('a halt stays with its build, and another build comes without it', () => {
  const halted = stands(ramped(), { progress: entered, halts: [halt('b42')] });
  const ids = (standing: Standing): readonly string[] => (standing.halts ?? []).map(h => h.buildId);
  assert.equal(ids(after(aState({ rollout: ramped({ reason: 'x' }) }), halted)), ['b42']);
  const builds = [aBuild(41), aBuild(42), aBuild(43)];
  const other = aState({ rollout: ramped({ current: 'b43' }), builds });
  assert.equal(ids(after(other, halted)), []);
  assert.is(after(other, halted).progress?.step, 0);
  assert.equal(ids(after(other, halted, { kept: [halt('b43')] })), ['b43']);
  assert.equal(after(aState({ rollout: ramped() }), stands(ramped(), { progress: entered })).halts, []);
  assert.equal(after(aState({ rollout: ramped() })).halts, []);
});

test('the build that stood joins those that were current before; where nobody knows them it stays so', () => {
  const before = stands(aRollout({ current: 'b41', lastSafe: 'b40' }), { formerCurrents: new Set(['b40']) });
  assert.equal(after(aState({ rollout: ramped() }), before).formerCurrents, new Set(['b40', 'b41']));
  assert.is(after(aState({ rollout: ramped() }), stands(ramped())).formerCurrents, undefined);
  assert.is(after(aState({ rollout: ramped() })).formerCurrents, undefined);
});

test.run();
