import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import { type Looked, lookAt, type Moment } from '../../../controller/domain/ramp/look.ts';
import { newRamp, type RampProgress } from '../../../controller/domain/ramp/progress.ts';
import type { Ramp, RampStep } from '../../../controller/domain/release.ts';
import { HOUR_MS, NOW_MS } from '../../support/state.ts';

const RAMP: Ramp = {
  startMs: undefined,
  steps: [
    { percent: 1, holdMs: 4 * HOUR_MS },
    { percent: 10, holdMs: 24 * HOUR_MS },
    { percent: 100, holdMs: undefined },
  ],
};
const begun = newRamp(RAMP, NOW_MS);
const at = (step: number, exposureMs = 0): RampProgress => ({ ...begun, step, exposureMs });
const look = (progress: RampProgress, over: Partial<Moment> = {}, ramp = RAMP): Looked =>
  lookAt(ramp, progress, {
    nowMs: NOW_MS + 50 * HOUR_MS,
    servedMs: 0,
    pollMs: 6 * HOUR_MS,
    evidence: NO_EVIDENCE,
    closed: false,
    ...over,
  });
const seen = (flags: Partial<typeof NO_EVIDENCE>): Partial<Moment> => ({
  evidence: { ...NO_EVIDENCE, ...flags },
});

test('the first step is entered once the ramp begins, not before', () => {
  const later = newRamp({ startMs: NOW_MS + HOUR_MS }, NOW_MS);
  assert.is(look(later, { nowMs: NOW_MS + HOUR_MS - 1 }).entered, undefined);
  const { progress, entered } = look(later, { nowMs: NOW_MS + HOUR_MS });
  assert.is(entered, 0);
  assert.equal([progress.step, progress.exposureMs, progress.enteredAtMs], [0, 0, NOW_MS + HOUR_MS]);
});

test('a step is entered when the one before was served for as long as it holds, and begins at 0', () => {
  assert.is(look(at(0), { servedMs: 4 * HOUR_MS - 1 }).entered, undefined);
  const { progress, entered, judgement } = look(at(0, 3 * HOUR_MS), { servedMs: HOUR_MS });
  assert.equal([entered, progress.step, progress.exposureMs], [1, 1, 0]);
  assert.is(judgement.verdict, 'advance');
});

test('however much was served, one look enters one step', () => {
  const { progress } = look(at(0), { servedMs: 400 * HOUR_MS });
  assert.is(progress.step, 1);
});

for (const [name, over] of [
  ['a suspend', seen({ suspended: true })],
  ['a held clock', seen({ clockHeld: true })],
] as const)
  test(`${name} gives a step no time and opens none`, () => {
    const { progress, entered } = look(at(0, HOUR_MS), { ...over, servedMs: 9 * HOUR_MS });
    assert.equal([progress.exposureMs, entered], [HOUR_MS, undefined]);
    assert.is(look(at(0, 5 * HOUR_MS), over).entered, undefined);
    assert.is(look(begun, over).entered, undefined);
  });

test('in a freeze window a step grows older, and none is entered', () => {
  const frozen = seen({ frozen: true });
  const { progress, entered } = look(at(0, 3 * HOUR_MS), { ...frozen, servedMs: 2 * HOUR_MS });
  assert.equal([progress.exposureMs, entered], [5 * HOUR_MS, undefined]);
  assert.is(look(progress).entered, 1);
  assert.is(look(begun, frozen).entered, undefined);
});

test('under a rollback, a withdrawal or a halt nothing moves', () => {
  for (const progress of [begun, at(0, 30 * HOUR_MS)]) {
    const looked = look(progress, { closed: true, servedMs: HOUR_MS });
    assert.is(looked.entered, undefined);
    assert.equal([looked.progress.exposureMs, looked.progress.servedMs], [progress.exposureMs, 0]);
  }
});

test('the last step stays entered for good', () => {
  const { progress, entered, judgement } = look(at(2), { servedMs: 900 * HOUR_MS });
  assert.equal([progress.step, entered], [2, undefined]);
  assert.is(judgement.verdict, 'advance', 'its follow-up is done');
});

test('a hold on the last step is not waited for: there is nothing after it', () => {
  const steps = RAMP.steps.map(step => ({ ...step, holdMs: 4 * HOUR_MS }));
  assert.is(look(at(2), { servedMs: HOUR_MS }, { ...RAMP, steps }).judgement.verdict, 'advance');
});

test('a step that needs an approval waits for approved_percent, the first one too', () => {
  const guarded: Ramp = { ...RAMP, steps: RAMP.steps.map(s => ({ ...s, approval: true as const })) };
  assert.is(look(begun, {}, guarded).judgement.verdict, 'waiting_for_approval');
  assert.is(look(begun, {}, { ...guarded, approvedPercent: 1 }).entered, 0);
  const old = at(0, 30 * HOUR_MS);
  assert.is(look(old, {}, { ...guarded, approvedPercent: 9.99 }).entered, undefined);
  assert.is(look(old, {}, { ...guarded, approvedPercent: 10 }).entered, 1);
  assert.is(look(at(1), {}, { ...guarded, approvedPercent: 100 }).entered, undefined, 'but not the hold');
});

// ---------------------------------------------------------------- with a gate

const GATED: Ramp = { ...RAMP, gate: DEFAULT_GATE };

test('a starved fleet gives a gated step no time; without a gate time goes on', () => {
  const starved = { ...seen({ starved: true }), servedMs: 2 * HOUR_MS };
  assert.is(look(at(0, HOUR_MS), starved, GATED).progress.exposureMs, HOUR_MS);
  assert.is(look(at(0, HOUR_MS), starved).progress.exposureMs, 3 * HOUR_MS);
});

test('the time that a ramp was served counts whether its step stands still or not', () => {
  const served = { ...at(0, HOUR_MS), servedMs: 9 * HOUR_MS };
  for (const over of [{}, seen({ suspended: true })])
    assert.is(look(served, { ...over, servedMs: HOUR_MS }).progress.servedMs, 10 * HOUR_MS);
});

test('a question that nobody answered keeps the next step shut; once it is answered the step is entered', () => {
  const open = { ...NO_EVIDENCE.step, open: 45 };
  const few = { ...NO_EVIDENCE, step: open, cohort: { ...NO_EVIDENCE.cohort, open: 45 } };
  const waited = at(0, 52 * HOUR_MS);
  const asked = look(waited, { evidence: few }, GATED);
  assert.equal([asked.judgement.verdict, asked.entered], ['waiting_for_person', undefined]);
  const answered = look({ ...asked.progress, resumed: true }, { evidence: few }, GATED);
  assert.is(answered.entered, 1);
  assert.is(answered.progress.resumed, undefined, 'the next step asks anew');
});

test('canaries that fail before the first step halt the ramp, and nobody of the fleet is exposed', () => {
  const canary = { taken: 2, fail: 2, verifyFail: 0 };
  const { judgement, entered } = look(begun, seen({ canary }), GATED);
  assert.equal([judgement.verdict, judgement.reasons], ['halt', ['canary_failures']]);
  assert.is(entered, undefined);
});

test('before the first step the figures of the gate are told, and time alone decides', () => {
  const { judgement, entered } = look(begun, {}, GATED);
  assert.is(entered, 0);
  assert.is(judgement.figures?.verifyFail, 0);
});

// ---------------------------------------------------------------- properties

test('whatever happens, exposure time is the time served and not stood still in, and steps come one by one', () => {
  const ramps = fc
    .uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 })
    .chain(percents =>
      fc
        .array(fc.integer({ min: 1, max: 20 }), { minLength: percents.length, maxLength: percents.length })
        .map(
          (holds): Ramp => ({
            startMs: undefined,
            steps: [...percents]
              .sort((a, b) => a - b)
              .map(
                (percent, n): RampStep => ({
                  percent,
                  holdMs: n === percents.length - 1 ? undefined : (holds[n] ?? 1),
                }),
              ),
          }),
        ),
    );
  const flags = fc.constantFrom({}, {}, {}, { suspended: true }, { clockHeld: true }, { frozen: true });
  const looks = fc.array(fc.tuple(fc.nat(30), flags, fc.boolean()), { maxLength: 40 });
  fc.assert(
    fc.property(ramps, looks, (ramp, moments) => {
      let progress = newRamp(ramp, 0);
      let inStep = 0;
      for (const [servedMs, evidence, closed] of moments) {
        const before = progress;
        const looked = look(progress, { servedMs, closed, nowMs: 1_000, ...seen(evidence) }, ramp);
        progress = looked.progress;
        assert.ok(progress.step === before.step || progress.step === before.step + 1);
        const stood = closed || 'suspended' in evidence || 'clockHeld' in evidence || before.step < 0;
        inStep += stood ? 0 : servedMs;
        if (progress.step !== before.step) {
          assert.ok(before.step < 0 || inStep >= (ramp.steps[before.step]?.holdMs ?? 0));
          assert.not.ok(closed || Object.keys(evidence).length > 0);
          inStep = 0;
        }
        assert.is(progress.exposureMs, inStep);
      }
    }),
    { numRuns: 2_000 },
  );
});

test.run();
