/** Evidence at its edges: the exact moment, the smallest control, and what must not count. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../../controller/domain/decision.ts';
import { NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import type { Taker } from '../../../controller/domain/gate/takers.ts';
import type { Outcome, ResultReason } from '../../../controller/domain/outcome.ts';
import type { CountedDevice } from '../../../controller/domain/progress.ts';
import { newRamp } from '../../../controller/domain/ramp/progress.ts';
import { aBuild, aRamp, aRollout, aSnapshot, aState, HOUR_MS, NOW_MS } from '../../support/state.ts';
import { count, device, inFirst, inSecond, nth, outside, snapshot, taker } from '../../support/takers.ts';

const one = nth(inSecond, 0);
/** So many devices of the control, seen so many hours ago. */
const control = (devices: number, seenAgoHours: number, from = 0): CountedDevice[] =>
  outside.slice(from, from + devices).map(id => device(id, 41, seenAgoHours));
const tookAgo = (hours: number): Taker => taker(one, { takenAtMs: NOW_MS - hours * HOUR_MS });

test('an empty fleet gives no evidence', () => {
  assert.equal(count([], []), NO_EVIDENCE);
});

// ---------------------------------------------------------------- followed up, silent, open

for (const [seenAgoHours, followed] of [
  [21, 0],
  [8.1, 0],
  [8, 1],
  [1, 1],
] as const)
  test(`took it 20 h ago, seen ${seenAgoHours} h ago: ${followed} followed over two polls of 6 h`, () => {
    assert.is(count([device(one, 42, seenAgoHours)], [tookAgo(20)]).step.followed, followed);
  });

for (const [tookHours, upHours, takenLongAgo] of [
  [17.9, 1_000, 0],
  [18, 1_000, 1],
  [30, 17.9, 0],
  [30, 18, 1],
] as const)
  test(`took it ${tookHours} h ago, up for ${upHours} h: it ${takenLongAgo ? 'can' : 'cannot yet'} be silent`, () => {
    const { cohort } = count([device(one, 41, 18)], [tookAgo(tookHours)], upHours);
    assert.equal([cohort.takenLongAgo, cohort.silent], [takenLongAgo, takenLongAgo]);
  });

const ramped = aRollout({ exposure: aRamp(undefined, [1, 12], [10, 24], [100]) });
const rolledBack: Snapshot = {
  ...aSnapshot(aState({ rollout: { ...ramped, rollback: true } })),
  progress: snapshot.progress,
};

for (const [name, versionCode, of, open] of [
  ['runs last_safe', 41, snapshot, 1],
  ['runs nothing yet', undefined, snapshot, 1],
  ['already runs it, and was never seen to take it', 42, snapshot, 0],
  ['is ahead of it', 43, snapshot, 0],
  ['is offered last_safe by a rollback', 40, rolledBack, 0],
] as const)
  test(`an exposed device that ${name} ${open ? 'can' : 'cannot'} take the build`, () => {
    const { step } = count([{ ...device(one), versionCode }], [], 1_000, of);
    assert.is(step.open, open);
  });

test('a device that was sent a part and has said nothing can still take the build', () => {
  const { step } = count([device(one)], [taker(one, { takenAtMs: undefined })]);
  assert.equal([step.open, step.taken], [1, 0]);
});

test('at a plain percent every exposed device counts as newly exposed', () => {
  const plain = aSnapshot(aState({ rollout: aRollout(10) }));
  const { step } = count([device(nth(inFirst, 0)), device(one, 42)], [taker(one)], 1_000, plain);
  assert.equal([step.open, step.taken], [1, 1]);
});

test('a canary that nobody saw take the build is no evidence', () => {
  const { canary, step } = count([device(one)], [], 1_000, { ...snapshot, canaryDevices: new Set([one]) });
  assert.equal([canary.taken, step.open], [0, 0]);
});

// ---------------------------------------------------------------- the control

test('without a last_safe nobody can be compared with, not even devices of which no version is known', () => {
  const { lastSafe: _, ...rest } = snapshot;
  const alone: Snapshot = { ...rest, lastSafe: undefined };
  assert.is(count(control(30, 1), [], 1_000, alone).control.devices, 0);
});

for (const [name, devices, starved] of [
  ['19 that are all late', control(19, 7), false],
  ['20 that are all late', control(20, 7), true],
  ['half of 20 late', [...control(10, 1), ...control(10, 7, 10)], false],
  ['11 of 20 late', [...control(9, 1), ...control(11, 7, 9)], true],
  ['11 of 20 seen exactly 1.1 polls ago', [...control(9, 1), ...control(11, 6.6, 9)], true],
] as const)
  test(`a control of ${name} ${starved ? 'is' : 'is not'} starved`, () => {
    assert.is(count(devices, []).starved, starved);
  });

test('a lively fleet is not starved at the very first look of a ramp, nor just after the controller came up', () => {
  const now = { ...snapshot, progress: newRamp({ startMs: undefined }, NOW_MS) };
  assert.not(count(control(20, 1), [], 1_000, now).starved);
  assert.not(count(control(20, 18), [], 1, now).starved, 'seen as the window opens');
});

/** The ramp began 30 h ago and its first device took the build 60 h ago: those count that were seen up to 78 h ago. */
for (const [seenAgoHours, upHours, expected] of [
  [47, 1_000, [30, 30]],
  [77.9, 1_000, [30, 30]],
  [78, 1_000, [30, 30]],
  [78.1, 1_000, [0, 0]],
  [60, 10, [30, 0]],
] as const)
  test(`a control that was quiet before the ramp, seen ${seenAgoHours} h ago, up for ${upHours} h`, () => {
    const { devices, silent } = count(
      [...control(30, seenAgoHours), device(one, 42)],
      [tookAgo(60)],
      upHours,
    ).control;
    assert.equal([devices, silent], expected);
  });

// ---------------------------------------------------------------- our own APK, erased devices, neutral reports

const [wrong, canary] = [nth(inSecond, 1), nth(inSecond, 2)];
const mismatch = (deviceId: string): Taker => taker(deviceId, { final: 'sha256_mismatch' });
for (const [name, takers, isMissing, ownApkWrong] of [
  ['a mismatch, and our bytes are right', [mismatch(wrong)], false, false],
  ['our bytes are wrong, and no device complained', [taker(wrong)], true, false],
  ['a mismatch, and our bytes are wrong', [mismatch(wrong)], true, true],
  ['a mismatch of a canary, and our bytes are wrong', [mismatch(canary)], true, true],
  ['as many canaries as others, and our bytes are wrong', [mismatch(wrong), mismatch(canary)], true, true],
] as const)
  test(`${name}: the APK ${ownApkWrong ? 'is' : 'is not'} to blame`, () => {
    const missingArtifacts = new Set(isMissing ? [aBuild(42).sha256] : []);
    const devices = takers.map(({ deviceId }) => device(deviceId));
    const of = { ...snapshot, canaryDevices: new Set([canary]), missingArtifacts };
    assert.is(count(devices, takers, 1_000, of).ownApkWrong, ownApkWrong);
  });

test('erased devices stay in the counts of exposed devices, by their last report', () => {
  const erased = [
    { evidenceClass: 'ran', devices: 5 },
    { evidenceClass: 'install_failed', devices: 4 },
    { evidenceClass: 'sha256_mismatch', devices: 3 },
    { evidenceClass: 'taken', devices: 2 },
  ];
  const { cohort, step } = count([device(one, 42)], [taker(one)], 1_000, snapshot, erased);
  assert.equal([cohort.taken, cohort.ok, cohort.fail, cohort.verifyFail], [15, 6, 4, 3]);
  assert.is(step.taken, 1);
});

for (const [outcome, reason, isNeutral] of [
  ['ok', 'installed', false],
  ['deferred', 'battery', true],
  ['skipped', 'penalty', true],
  ['fail', 'storage', true],
  ['fail', 'install_failed', false],
  ['fail', 'sha256_mismatch', false],
] as const satisfies readonly (readonly [Outcome, ResultReason, boolean])[])
  test(`the newest report ${outcome}, ${reason} ${isNeutral ? 'is told as neutral' : 'is not neutral'}`, () => {
    const { neutral } = count([device(one)], [taker(one, { newest: { outcome, reason } })]);
    assert.equal(neutral, isNeutral ? { [reason]: 1 } : {});
  });

test('neutral reports of one reason are counted', () => {
  const newest = { outcome: 'deferred', reason: 'wifi' } as const;
  const three = inSecond.slice(0, 3);
  const takers = three.map(id => taker(id, { takenAtMs: undefined, newest }));
  const { neutral } = count(
    three.map(id => device(id)),
    takers,
  );
  assert.equal(neutral, { wifi: 3 });
});

test.run();
