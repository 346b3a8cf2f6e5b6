/** What the counts prove: the four e-values of a gate, and the limits they are measured against. */
import { lnEValue } from './e-value.ts';
import type { Control, Evidence } from './evidence.ts';
import type { Gate } from './gate.ts';
import { wilsonUpper } from './wilson.ts';

/** The chance to halt a good build by mistake is at most 1 in this, over all looks together. */
export const HALT_AT = 20;
/** The limit for silence, calibrated by simulation: devices are off for many reasons, so there is no such guarantee. */
export const SILENCE_HALT_AT = 100;
/** At this e-value time alone no longer advances a step: a person is asked. */
export const ASK_AT = 6;
/** Share of devices with wrong bytes or signers that chance, such as a broken download cache, may explain. */
const VERIFY_RATE = 0.001;
/** Fewest devices outside the cohort that can show how much silence is normal. */
export const LEAST_CONTROL = 20;
const LARGEST_SILENCE = 0.9;

/** The evidence when a halt was lifted. The same evidence does not halt again; more of it does. */
export interface Lift {
  readonly lnFail: number;
  readonly lnCanary: number;
  readonly lnSilence: number;
  /** Devices, canaries included. */
  readonly taken: number;
  readonly verifyFail: number;
}

/** Natural logarithms of e-values. */
export interface Proof {
  readonly lnFail: number;
  readonly lnCanary: number;
  readonly lnVerify: number;
  readonly lnSilence: number;
  /** Accepted share of silent devices: `silence_max`, or more if the control is quiet too. */
  readonly silenceLimit: number;
  readonly hasControl: boolean;
  /** Devices with verify failures since the last lift, canaries included. */
  readonly verifyFail: number;
}

/** More than half of the control is silent, or it checks in too seldom: the fleet has a problem, not the build. */
export const isStarved = ({ starved, control }: Evidence): boolean => starved || halfSilent(control);

const halfSilent = ({ devices, silent }: Control): boolean =>
  devices >= LEAST_CONTROL && silent > devices / 2;

export const hasControl = (evidence: Evidence): boolean =>
  evidence.control.devices >= LEAST_CONTROL && !isStarved(evidence);

/** The share of silent devices that the build is not blamed for. */
export function silenceLimit(gate: Gate, evidence: Evidence): number {
  if (!hasControl(evidence)) return gate.silenceMax;
  const { silent, devices } = evidence.control;
  return Math.min(LARGEST_SILENCE, Math.max(gate.silenceMax, 1.5 * wilsonUpper(silent, devices)));
}

export function proofOf(gate: Gate, evidence: Evidence, lift: Lift | undefined): Proof {
  const { cohort, canary } = evidence;
  const verifyFail = Math.max(0, cohort.verifyFail + canary.verifyFail - (lift?.verifyFail ?? 0));
  const takenSince = Math.max(verifyFail, cohort.taken + canary.taken - (lift?.taken ?? 0));
  const limit = silenceLimit(gate, evidence);
  return {
    lnFail: lnEValue(cohort.fail, cohort.taken, gate.installFailRatioMax),
    lnCanary: lnEValue(canary.fail, canary.taken, gate.installFailRatioMax),
    lnVerify: lnEValue(verifyFail, takenSince, VERIFY_RATE),
    lnSilence: lnEValue(cohort.silent, cohort.takenLongAgo, limit),
    silenceLimit: limit,
    hasControl: hasControl(evidence),
    verifyFail,
  };
}

/** The evidence to remember when a halt is lifted. */
export function liftOf(gate: Gate, evidence: Evidence): Lift {
  const { lnFail, lnCanary, lnSilence } = proofOf(gate, evidence, undefined);
  const { cohort, canary } = evidence;
  return {
    lnFail,
    lnCanary,
    lnSilence,
    taken: cohort.taken + canary.taken,
    verifyFail: cohort.verifyFail + canary.verifyFail,
  };
}

/** True if `ln` reaches `level`, or `level` times the value at the lift. */
export const reaches = (ln: number, level: number, lnAtLift = 0): boolean =>
  ln >= Math.log(level) + Math.max(0, lnAtLift);
