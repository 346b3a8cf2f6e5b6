/** The judgement of a step at its edges: what it remembers of a question, what it needs, and the reasons it gives. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Evidence, NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import {
  type Judgement,
  judgeStep,
  type LookMemory,
  type StepFacts,
} from '../../../controller/domain/gate/judge-step.ts';
import { anEvidence, good, holdOver as over, someFacts, waitOver as waited } from '../../support/gate.ts';

const doubtful = anEvidence({ taken: 45, ok: 41, fail: 4, followed: 45 });
const calm = { devices: 2_000, silent: 0 };
const judged = (facts: StepFacts, evidence: Evidence, memory: LookMemory = {}): Judgement =>
  judgeStep(DEFAULT_GATE, facts, evidence, memory);
const said = ({ verdict, reasons }: Judgement): unknown => [verdict, ...reasons];

test('without a gate the reasons are those of time, freeze windows and approvals', () => {
  const next = { percent: 50, approval: true };
  for (const [facts, evidence, ...expected] of [
    [someFacts(), NO_EVIDENCE, 'counting', 'hold_time'],
    [over, NO_EVIDENCE, 'advance'],
    [over, { ...NO_EVIDENCE, frozen: true }, 'hold', 'freeze'],
    [{ ...over, next }, NO_EVIDENCE, 'waiting_for_approval', 'approval'],
  ] as const)
    assert.equal(said(judgeStep(undefined, facts, evidence, {})), expected);
});

// ---------------------------------------------------------------- questions and answers

test('an approval that was raised before the question is not its answer', () => {
  const early = judged({ ...over, approvedPercent: 1 }, doubtful);
  assert.equal([early.verdict, early.memory], ['hold', {}]);
  const asked = judged({ ...waited, approvedPercent: 10 }, doubtful, early.memory);
  assert.equal([asked.verdict, asked.memory], ['waiting_for_person', { askedAtPercent: 10 }]);
});

test('an answer below the next step counts once an edit has lowered that step to it', () => {
  const asks = (percent: number, approvedPercent: number, memory: LookMemory): Judgement =>
    judged({ ...waited, next: { percent, approval: false }, approvedPercent }, doubtful, memory);
  const asked = asks(10, 5, {});
  const low = asks(10, 7, asked.memory);
  assert.is(low.verdict, 'waiting_for_person');
  assert.is(asks(7, 7, low.memory).verdict, 'advance');
});

test('a question whose next step an edit took away is answered by nobody', () => {
  const last = { ...waited, next: undefined, holdMs: undefined, approvedPercent: 10 };
  assert.equal(said(judged(last, doubtful, { askedAtPercent: 5 })), ['hold', 'fail_ratio', 'doubt']);
});

// ---------------------------------------------------------------- what a step needs

test('a step that devices can take needs reports of its own, whatever earlier steps have shown', () => {
  const { cohort } = anEvidence({ taken: 500, ok: 500, followed: 500 });
  const step = { ...NO_EVIDENCE.step, taken: 45 };
  const { verdict, figures } = judged(over, { ...NO_EVIDENCE, cohort, step });
  assert.is(verdict, 'hold');
  assert.equal([figures?.needed, figures?.judged, figures?.followed], [30, 0, 0]);
  assert.is(judged(over, { ...NO_EVIDENCE, cohort }).verdict, 'advance', 'a step that nobody can take');
});

test('a control of which three in ten are off leaves seven tenths of the need, not none', () => {
  const control = { devices: 400, silent: 120 };
  const five = (ok: number): Judgement =>
    judged(over, anEvidence({ taken: 5, ok, followed: 5 }, { control }));
  assert.is(five(3).figures?.needed, 3);
  assert.equal(said(five(2)), ['hold', 'too_few_reports']);
  assert.is(five(3).verdict, 'advance');
});

// ---------------------------------------------------------------- silence

const quiet = (silent: number, taken: number, control = calm): Evidence =>
  anEvidence({ taken, ok: taken, followed: taken, takenLongAgo: taken, silent }, { control });

test('two silent devices hold a step where they are more than the control explains; one never does', () => {
  assert.equal(said(judged(over, quiet(2, 50))), ['hold', 'silence']);
  assert.equal(said(judged(over, quiet(1, 40))), ['advance']);
});

test('silence that is nearly proven asks a person after the waiting; a little of it does not', () => {
  assert.equal(said(judged(waited, quiet(4, 45))), ['waiting_for_person', 'silence', 'doubt']);
  assert.equal(said(judged(waited, quiet(2, 45))), ['advance', 'silence', 'max_wait']);
});

test('on the last step silence speaks against the build only where a control is left to compare with', () => {
  const last = { ...waited, next: undefined, holdMs: undefined };
  const few = { ...quiet(4, 45), step: { ...good.step, ok: 10 } };
  assert.equal(said(judged(last, few)), ['hold', 'silence', 'too_few_reports', 'doubt', 'no_data']);
  const alone = { ...few, control: { devices: 0, silent: 0 } };
  assert.equal(said(judged(last, alone)), ['hold', 'too_few_reports', 'no_data']);
});

test.run();
