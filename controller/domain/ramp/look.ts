/**
 * One look at a ramp: adds the served time to its step, judges the step, and enters at most one step. Pure: the leader
 * passes the time since its last look and the evidence from the devices.
 */
import type { Evidence } from '../gate/evidence.ts';
import type { Gate } from '../gate/gate.ts';
import { type Judgement, judgeStep, type StepFacts } from '../gate/judge-step.ts';
import { isStarved, type Lift } from '../gate/proof.ts';
import type { Ramp, RampStep } from '../release.ts';
import type { RampProgress } from './progress.ts';

export interface Moment {
  /** Trusted wall time, Unix ms. */
  readonly nowMs: number;
  /** Monotonic time since the last look in which this controller served the ramp. */
  readonly servedMs: number;
  readonly pollMs: number;
  readonly evidence: Evidence;
  /** `current` is not offered at all: rollback, withdrawal or a halt. Then nothing advances. */
  readonly closed: boolean;
  /** The last time that a halt of this build was lifted. */
  readonly lift?: Lift | undefined;
}

export interface Looked {
  readonly progress: RampProgress;
  /** Judgement of the step before this look. `advance` was carried out, except on the last step. */
  readonly judgement: Judgement;
  /** Index of the step that this look entered. */
  readonly entered: number | undefined;
}

/** `progress` must belong to this ramp. */
export function lookAt(ramp: Ramp, progress: RampProgress, moment: Moment): Looked {
  const aged = moment.closed ? progress : age(ramp.gate, progress, moment);
  const judgement = judged(ramp, aged, moment);
  const next = aged.step + 1;
  const enters = judgement.verdict === 'advance' && next < ramp.steps.length && !moment.closed;
  if (!enters) return { progress: { ...aged, judgement }, judgement, entered: undefined };
  const progressed = {
    ...aged,
    step: next,
    enteredAtMs: moment.nowMs,
    exposureMs: 0,
    judgement: undefined,
    resumed: undefined,
  };
  return { progress: progressed, judgement, entered: next };
}

function age(gate: Gate | undefined, progress: RampProgress, moment: Moment): RampProgress {
  const { evidence, servedMs } = moment;
  const stands =
    progress.step < 0 ||
    evidence.suspended ||
    evidence.clockHeld ||
    (gate !== undefined && isStarved(evidence));
  return {
    ...progress,
    servedMs: progress.servedMs + servedMs,
    exposureMs: progress.exposureMs + (stands ? 0 : servedMs),
  };
}

const nextOf = ({ percent, approval }: RampStep): NonNullable<StepFacts['next']> => ({
  percent,
  approval: approval === true,
});

function factsOf(ramp: Ramp, progress: RampProgress, moment: Moment): StepFacts {
  const next = ramp.steps[progress.step + 1];
  return {
    exposureMs: progress.exposureMs,
    holdMs: next === undefined ? undefined : ramp.steps[progress.step]?.holdMs,
    next: next === undefined ? undefined : nextOf(next),
    approvedPercent: ramp.approvedPercent,
    resumed: progress.resumed === true,
    upMs: progress.servedMs,
    pollMs: moment.pollMs,
    lift: moment.lift,
  };
}

function judged(ramp: Ramp, progress: RampProgress, moment: Moment): Judgement {
  const facts = factsOf(ramp, progress, moment);
  const memory = progress.judgement?.memory ?? {};
  const judgement = judgeStep(ramp.gate, facts, moment.evidence, memory);
  if (progress.step >= 0 || judgement.verdict === 'halt') return judgement;
  // No step is entered yet, so no evidence is needed: only the start and the first step's approval decide.
  const waits = { ...facts, holdMs: progress.beginsAtMs, exposureMs: moment.nowMs };
  return { ...judgeStep(undefined, waits, moment.evidence, memory), figures: judgement.figures };
}
