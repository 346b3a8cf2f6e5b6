import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../../controller/domain/duration.ts';
import { type Evidence, NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE, type Gate } from '../../../controller/domain/gate/gate.ts';
import { judgeStep, type LookMemory, type StepFacts } from '../../../controller/domain/gate/judge-step.ts';
import { liftOf } from '../../../controller/domain/gate/proof.ts';
import { anEvidence, good, holdOver as over, someFacts, waitOver as waited } from '../../support/gate.ts';

const bad = (fail: number, taken: number): Evidence =>
  anEvidence({ taken, ok: taken - fail, fail, followed: taken });
const verdictOf = (facts: StepFacts, evidence: Evidence, gate: Gate | undefined = DEFAULT_GATE): string =>
  judgeStep(gate, facts, evidence, {}).verdict;

// ---------------------------------------------------------------- without a gate

test('without a gate time alone advances, whatever the devices say', () => {
  const ungated = (facts: StepFacts, evidence: Evidence): string =>
    judgeStep(undefined, facts, evidence, {}).verdict;
  assert.is(ungated(someFacts({ exposureMs: 12 * HOUR_MS - 1 }), good), 'counting');
  assert.is(ungated(over, bad(45, 45)), 'advance');
  assert.is(ungated(over, { ...good, starved: true, dataFault: true, ownApkWrong: true }), 'advance');
});

test('without a gate a freeze, a held clock, a suspension and an approval hold all the same', () => {
  for (const flag of ['frozen', 'clockHeld', 'suspended'] as const)
    assert.is(judgeStep(undefined, over, { ...NO_EVIDENCE, [flag]: true }, {}).verdict, 'hold', flag);
  const next = { percent: 50, approval: true };
  assert.is(judgeStep(undefined, { ...over, next }, NO_EVIDENCE, {}).verdict, 'waiting_for_approval');
});

// ---------------------------------------------------------------- approvals and answers

test('a step that needs an approval is entered once approved_percent reaches it', () => {
  const next = { percent: 50, approval: true };
  for (const [approvedPercent, verdict] of [
    [undefined, 'waiting_for_approval'],
    [10, 'waiting_for_approval'],
    [50, 'advance'],
    [100, 'advance'],
  ] as const)
    assert.is(verdictOf({ ...over, next, approvedPercent }, good), verdict);
  assert.is(verdictOf({ ...over, next, approvedPercent: 100 }, bad(1, 45)), 'hold');
});

test('an approval does not shorten the hold, end a freeze or lift a halt', () => {
  const approved = { next: { percent: 50, approval: true }, approvedPercent: 100 };
  assert.is(verdictOf({ ...over, ...approved, exposureMs: HOUR_MS }, good), 'counting');
  assert.is(verdictOf({ ...over, ...approved }, { ...good, frozen: true }), 'hold');
  assert.is(verdictOf({ ...over, ...approved }, bad(20, 45)), 'halt');
});

test('a person answers by raising approved_percent after the question, not before it', () => {
  const facts = { ...waited, next: { percent: 5, approval: false } };
  const asked = judgeStep(DEFAULT_GATE, { ...facts, approvedPercent: 5 }, bad(4, 45), {});
  assert.is(asked.verdict, 'waiting_for_person');
  const answer = (approvedPercent: number, memory: LookMemory = asked.memory): string =>
    judgeStep(DEFAULT_GATE, { ...facts, approvedPercent }, bad(4, 45), memory).verdict;
  assert.is(answer(5), 'waiting_for_person');
  assert.is(answer(10), 'advance');
  const lowered = judgeStep(DEFAULT_GATE, { ...facts, approvedPercent: 1 }, bad(4, 45), asked.memory);
  assert.is(lowered.verdict, 'waiting_for_person');
  assert.is(answer(5, lowered.memory), 'advance');
  assert.is(answer(4, lowered.memory), 'waiting_for_person');
});

test('a resume answers the question, and says what stood against going on', () => {
  const { verdict, reasons } = judgeStep(DEFAULT_GATE, { ...waited, resumed: true }, bad(4, 45), {});
  assert.is(verdict, 'advance');
  assert.equal(reasons, ['fail_ratio', 'answered']);
});

test('too little evidence after the waiting: asked, or on with no_data: proceed, but never in doubt', () => {
  const few = anEvidence({ taken: 10, ok: 10, followed: 10, open: 35 });
  const proceed: Gate = { ...DEFAULT_GATE, noData: 'proceed' };
  assert.is(verdictOf(waited, few), 'waiting_for_person');
  assert.is(verdictOf(waited, few, proceed), 'advance');
  const doubtful = anEvidence({ taken: 10, ok: 8, fail: 2, followed: 10, open: 35 });
  assert.is(verdictOf(waited, doubtful, proceed), 'waiting_for_person');
});

test('the last step asks nobody and waits for no approval: there is nothing left to open', () => {
  const last = { ...waited, next: undefined, holdMs: undefined };
  assert.is(verdictOf(last, bad(4, 45)), 'hold');
  assert.is(verdictOf(last, anEvidence({ open: 45 })), 'hold');
  assert.is(verdictOf(last, { ...good, frozen: true }), 'advance');
});

// ---------------------------------------------------------------- what stands still, and what never does

test('a suspension and a starved fleet hold a good step, and never a proof', () => {
  for (const flag of ['suspended', 'starved', 'frozen'] as const) {
    assert.is(verdictOf(over, { ...good, [flag]: true }), 'hold', flag);
    assert.is(verdictOf(over, { ...bad(20, 45), [flag]: true }), 'halt', flag);
  }
});

test('a held clock and data that cannot be trusted neither advance nor halt', () => {
  for (const flag of ['clockHeld', 'dataFault'] as const) {
    assert.is(verdictOf(waited, { ...good, [flag]: true }), 'hold', flag);
    assert.is(verdictOf(waited, { ...bad(45, 45), [flag]: true, ownApkWrong: true }), 'hold', flag);
  }
});

test('silence halts only at two looks one poll apart, with a control, without a gap between', () => {
  const dark = anEvidence(
    { taken: 45, takenLongAgo: 45, silent: 40 },
    { control: { devices: 2_000, silent: 20 } },
  );
  const at = (hours: number): StepFacts => someFacts({ exposureMs: 30 * HOUR_MS, upMs: hours * HOUR_MS });
  const first = judgeStep(DEFAULT_GATE, at(30), dark, {});
  assert.is(first.verdict, 'hold');
  const second = judgeStep(DEFAULT_GATE, at(35), dark, first.memory);
  assert.is(second.verdict, 'hold');
  assert.is(judgeStep(DEFAULT_GATE, at(36), dark, second.memory).verdict, 'halt');
  const back = judgeStep(DEFAULT_GATE, at(35), good, second.memory);
  assert.is(judgeStep(DEFAULT_GATE, at(36), dark, back.memory).verdict, 'hold');
  const alone = { ...dark, control: { devices: 19, silent: 0 } };
  const noControl = judgeStep(DEFAULT_GATE, at(36), alone, second.memory);
  assert.is(noControl.verdict, 'hold');
  assert.is(noControl.memory.silenceSinceMs, undefined);
});

test('silence holds from two silent devices on, beyond half more than the control may show', () => {
  const quiet = (silent: number, control: number): Evidence =>
    anEvidence(
      { taken: 100, ok: 100, followed: 100, takenLongAgo: 100, silent },
      { control: { devices: 2_000, silent: control } },
    );
  assert.is(verdictOf(over, quiet(2, 0)), 'advance');
  assert.is(verdictOf(over, quiet(3, 0)), 'hold');
  // 10 % of the control: up to 11.4 % with 95 % certainty, and half more: 17.1 %.
  assert.is(verdictOf(over, quiet(17, 200)), 'advance');
  assert.is(verdictOf(over, quiet(18, 200)), 'hold');
  const one = anEvidence({ taken: 9, ok: 9, followed: 9, takenLongAgo: 9, silent: 1 });
  assert.is(verdictOf(over, one), 'advance');
});

test('the waiting begins when the hold is over', () => {
  for (const [hours, verdict] of [
    [48, 'hold'],
    [59, 'hold'],
    [60, 'advance'],
  ] as const)
    assert.is(verdictOf(someFacts({ exposureMs: hours * HOUR_MS }), bad(1, 45)), verdict, String(hours));
});

test('a mismatch on one of few devices asks a person after the waiting', () => {
  const mismatched = anEvidence({ taken: 10, ok: 9, verifyFail: 1, followed: 10 });
  assert.is(verdictOf(over, mismatched), 'hold');
  assert.is(verdictOf(waited, mismatched), 'waiting_for_person');
});

test('a control that is partly off lowers what a step needs: absence that is not the build’s is not waited for', () => {
  const five = anEvidence({ taken: 5, ok: 3, followed: 3 });
  assert.is(verdictOf(over, five), 'hold');
  assert.is(verdictOf(over, { ...five, control: { devices: 400, silent: 120 } }), 'advance');
});

test('a canary that fails alone holds; the proof against the cohort is not diluted by canaries', () => {
  const canary = (fail: number, taken: number): Evidence => ({
    ...good,
    canary: { taken, fail, verifyFail: 0 },
  });
  assert.equal(judgeStep(DEFAULT_GATE, over, canary(1, 1), {}).reasons, ['canary_failures']);
  assert.is(verdictOf(waited, canary(1, 1)), 'waiting_for_person');
  assert.is(verdictOf(over, canary(1, 12)), 'advance');
  assert.is(verdictOf(over, canary(2, 2)), 'halt');
  assert.is(verdictOf(over, { ...bad(5, 50), canary: { taken: 1_000, fail: 0, verifyFail: 0 } }), 'halt');
});

test('verify failures count from the lift on', () => {
  const mismatched = (verifyFail: number, taken: number): Evidence =>
    anEvidence({ taken, ok: taken - verifyFail, verifyFail, followed: taken });
  const lift = liftOf(DEFAULT_GATE, mismatched(2, 100));
  assert.is(verdictOf({ ...over, lift }, mismatched(2, 100)), 'advance');
  assert.is(verdictOf({ ...over, lift }, mismatched(3, 150)), 'hold');
  assert.is(verdictOf({ ...over, lift }, mismatched(4, 150)), 'halt');
});

test('verify_fail_max raises what is told before a halt and cannot lower it to one device', () => {
  const mismatched = anEvidence({ taken: 100, ok: 98, verifyFail: 2 });
  assert.is(verdictOf(over, mismatched, { ...DEFAULT_GATE, verifyFailMax: 2 }), 'hold');
  const one = anEvidence({ taken: 1, verifyFail: 1 });
  assert.is(verdictOf(over, one, { ...DEFAULT_GATE, verifyFailMax: 0 }), 'hold');
});

test.run();
