/** The judgement of one step at one look. Pure: the same facts give the same verdict on every controller. */
import { canTake, type Evidence, judgedOf, type StepTakers } from './evidence.ts';
import type { Gate } from './gate.ts';
import {
  ASK_AT,
  HALT_AT,
  hasControl,
  isStarved,
  type Lift,
  type Proof,
  proofOf,
  reaches,
  SILENCE_HALT_AT,
} from './proof.ts';
import type { Reason, Verdict } from './verdict.ts';

export interface StepFacts {
  /** Time the step has been exposed. Does not count while suspended, starved, with a held clock or the controller down. */
  readonly exposureMs: number;
  /** undefined: none, as on the last step. */
  readonly holdMs: number | undefined;
  /** The step that an advance would enter; undefined on the last one. */
  readonly next: { readonly percent: number; readonly approval: boolean } | undefined;
  /** `ramp.approved_percent`. */
  readonly approvedPercent: number | undefined;
  /** `ota resume` answered this step's question. */
  readonly resumed: boolean;
  /** Total time that controllers have served this ramp; only differences between looks matter. */
  readonly upMs: number;
  readonly pollMs: number;
  /** The last time a halt of this build was lifted. */
  readonly lift: Lift | undefined;
}

/** What one look passes to the next look at the same step. Empty at the first look. */
export interface LookMemory {
  /** `upMs` of the first look in the current run of looks that saw too much silence. */
  readonly silenceSinceMs?: number;
  /** `approved_percent` when a person was first asked in this step; a higher one is the answer. */
  readonly askedAtPercent?: number;
}

export interface Figures extends Proof {
  /** Devices that the step needs to be judged and followed up. */
  readonly needed: number;
  readonly judged: number;
  readonly followed: number;
}

export interface Judgement {
  /**
   * `advance` on the last step means that its follow-up is done. Callers latch `advance` and `halt`: a later look does
   * not take them back.
   */
  readonly verdict: Verdict;
  /** For `advance`: the objections that were overridden. Never empty for any other verdict. */
  readonly reasons: readonly Reason[];
  /** undefined without a gate. */
  readonly figures: Figures | undefined;
  readonly memory: LookMemory;
}

/** Without a gate time alone advances. */
export function judgeStep(
  gate: Gate | undefined,
  facts: StepFacts,
  evidence: Evidence,
  memory: LookMemory,
): Judgement {
  const stopped = standstill(gate, evidence);
  if (gate === undefined) return { ...byTime(facts, evidence, stopped), figures: undefined, memory };
  const figures: Figures = {
    ...proofOf(gate, evidence, facts.lift),
    ...sufficiency(gate, evidence),
  };
  if (evidence.dataFault || evidence.clockHeld)
    return { verdict: 'hold', reasons: stopped, figures, memory: withoutSilence(memory) };
  const watched = { ...withoutSilence(memory), ...silenceSince(facts, figures, memory) };
  const breaches = breachesOf(gate, facts, evidence, figures, watched);
  if (breaches.length > 0) return { verdict: 'halt', reasons: breaches, figures, memory: watched };
  const remembered = lowered(watched, facts.approvedPercent);
  const { verdict, reasons } = climb(gate, facts, evidence, figures, remembered, stopped);
  if (verdict !== 'waiting_for_person' || remembered.askedAtPercent !== undefined)
    return { verdict, reasons, figures, memory: remembered };
  const askedAtPercent = facts.approvedPercent ?? 0;
  return { verdict, reasons, figures, memory: { ...remembered, askedAtPercent } };
}

interface Finding {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
}

/** What keeps a step's time from counting. */
function standstill(gate: Gate | undefined, evidence: Evidence): Reason[] {
  const reasons: Reason[] = [];
  if (evidence.clockHeld) reasons.push('clock_held');
  if (evidence.suspended) reasons.push('suspended');
  if (gate === undefined) return reasons;
  if (evidence.dataFault) reasons.push('gate_data_fault');
  if (isStarved(evidence)) reasons.push('starved');
  return reasons;
}

function byTime(facts: StepFacts, evidence: Evidence, stopped: readonly Reason[]): Finding {
  if (stopped.length > 0) return { verdict: 'hold', reasons: stopped };
  if (!isHoldOver(facts)) return { verdict: 'counting', reasons: ['hold_time'] };
  return enterNext(facts, evidence, []);
}

const isHoldOver = ({ exposureMs, holdMs = 0 }: StepFacts): boolean => exposureMs >= holdMs;

/** The step itself is done; a freeze window or a missing approval may still block the next one. */
function enterNext({ next, approvedPercent = 0 }: StepFacts, evidence: Evidence, reasons: Reason[]): Finding {
  if (next === undefined) return { verdict: 'advance', reasons };
  if (evidence.frozen) return { verdict: 'hold', reasons: ['freeze'] };
  if (next.approval && approvedPercent < next.percent)
    return { verdict: 'waiting_for_approval', reasons: ['approval'] };
  return { verdict: 'advance', reasons };
}

/**
 * What the step has and what it needs: two thirds of the devices that can take the build, at most `min_reports`. If no
 * device of the step can take it, all devices exposed so far count, and at least one of them must have been judged.
 */
function sufficiency(gate: Gate, evidence: Evidence): Pick<Figures, 'needed' | 'judged' | 'followed'> {
  const { step, cohort, control } = evidence;
  const present = hasControl(evidence) ? 1 - control.silent / control.devices : 1;
  const from = (takers: StepTakers, least: number) => ({
    needed: Math.max(least, Math.min(gate.minReports, Math.ceil((2 * present * canTake(takers)) / 3))),
    judged: judgedOf(takers),
    followed: takers.followed,
  });
  return canTake(step) > 0 ? from(step, 0) : from(cohort, 1);
}

/** A single silent look could be our own outage, so a second look must confirm it at least one poll later. */
function silenceSince(facts: StepFacts, figures: Figures, memory: LookMemory): LookMemory {
  const beyond = figures.hasControl && reaches(figures.lnSilence, SILENCE_HALT_AT, facts.lift?.lnSilence);
  return beyond ? { silenceSinceMs: memory.silenceSinceMs ?? facts.upMs } : {};
}

function withoutSilence({ silenceSinceMs: _, ...rest }: LookMemory): LookMemory {
  return rest;
}

/** An approval that was lowered counts as a new answer when it is raised again. */
function lowered(memory: LookMemory, approvedPercent = 0): LookMemory {
  const { askedAtPercent } = memory;
  if (askedAtPercent === undefined) return memory;
  return { ...memory, askedAtPercent: Math.min(askedAtPercent, approvedPercent) };
}

function breachesOf(
  gate: Gate,
  { lift, upMs, pollMs }: StepFacts,
  evidence: Evidence,
  figures: Figures,
  { silenceSinceMs }: LookMemory,
): Reason[] {
  const reasons: Reason[] = [];
  if (evidence.ownApkWrong) reasons.push('artifact_missing');
  if (reaches(figures.lnFail, HALT_AT, lift?.lnFail)) reasons.push('install_failures');
  if (reaches(figures.lnCanary, HALT_AT, lift?.lnCanary)) reasons.push('canary_failures');
  if (figures.verifyFail > gate.verifyFailMax && reaches(figures.lnVerify, HALT_AT))
    reasons.push('verify_failures');
  if (silenceSinceMs !== undefined && upMs - silenceSinceMs >= pollMs) reasons.push('silence');
  return reasons;
}

/** No proof against the build: weaker objections to going on, and how long they may block. */
function climb(
  gate: Gate,
  facts: StepFacts,
  evidence: Evidence,
  figures: Figures,
  memory: LookMemory,
  stopped: readonly Reason[],
): Finding {
  const doubts = doubtsOf(gate, facts, evidence, figures);
  if (stopped.length > 0) return { verdict: 'hold', reasons: [...stopped, ...doubts] };
  if (!isHoldOver(facts))
    return doubts.length > 0
      ? { verdict: 'hold', reasons: doubts }
      : { verdict: 'counting', reasons: ['hold_time'] };
  const missing = missingOf(figures);
  const against = [...doubts, ...missing];
  if (against.length === 0) return enterNext(facts, evidence, []);
  if (isAnswered(facts, memory)) return enterNext(facts, evidence, [...against, 'answered']);
  if (facts.exposureMs < (facts.holdMs ?? 0) + gate.maxWaitMs) return { verdict: 'hold', reasons: against };
  return afterMaxWait(gate, facts, evidence, figures, against, missing.length > 0);
}

/** Objections to the build that either disappear by themselves or become a proof. */
function doubtsOf(gate: Gate, facts: StepFacts, { cohort }: Evidence, figures: Figures): Reason[] {
  const reasons: Reason[] = [];
  const judged = judgedOf(cohort);
  if (judged >= Math.min(10, Math.max(1, figures.needed)) && cohort.fail / judged > gate.installFailRatioMax)
    reasons.push('fail_ratio');
  if (reaches(figures.lnCanary, ASK_AT, facts.lift?.lnCanary)) reasons.push('canary_failures');
  if (figures.verifyFail > 0) reasons.push('verify_failures');
  const isSilent = cohort.silent >= 2 && cohort.silent / cohort.takenLongAgo > figures.silenceLimit;
  if (isSilent && silenceCounts(facts, figures)) reasons.push('silence');
  return reasons;
}

/** On the last step there may be no control left to compare with, so silence is only shown in the figures. */
const silenceCounts = ({ next }: StepFacts, figures: Figures): boolean =>
  next !== undefined || figures.hasControl;

function missingOf({ needed, judged, followed }: Figures): Reason[] {
  const reasons: Reason[] = [];
  if (judged < needed) reasons.push('too_few_reports');
  if (followed < needed) reasons.push('too_little_follow_up');
  return reasons;
}

function isAnswered(
  { next, approvedPercent = 0, resumed }: StepFacts,
  { askedAtPercent }: LookMemory,
): boolean {
  if (resumed) return true;
  if (next === undefined || askedAtPercent === undefined) return false;
  return approvedPercent > askedAtPercent && approvedPercent >= next.percent;
}

function afterMaxWait(
  gate: Gate,
  facts: StepFacts,
  evidence: Evidence,
  figures: Figures,
  against: readonly Reason[],
  isIncomplete: boolean,
): Finding {
  const why: Reason[] = [];
  if (speaksAgainst(facts, figures)) why.push('doubt');
  if (isIncomplete) why.push('no_data');
  const mayGoOn = !why.includes('doubt') && (!isIncomplete || gate.noData === 'proceed');
  if (mayGoOn) return enterNext(facts, evidence, [...against, isIncomplete ? 'no_data' : 'max_wait']);
  // The last step never waits for a person: all devices that the ramp may reach are already exposed.
  return { verdict: facts.next === undefined ? 'hold' : 'waiting_for_person', reasons: [...against, ...why] };
}

function speaksAgainst(facts: StepFacts, figures: Figures): boolean {
  const { lift } = facts;
  return (
    reaches(figures.lnFail, ASK_AT, lift?.lnFail) ||
    reaches(figures.lnCanary, ASK_AT, lift?.lnCanary) ||
    reaches(figures.lnVerify, ASK_AT) ||
    (silenceCounts(facts, figures) && reaches(figures.lnSilence, ASK_AT, lift?.lnSilence))
  );
}
