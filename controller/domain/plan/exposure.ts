/** The exposure of `current` from now on: now, and at each step of a ramp. */
import { effectivePercent } from '../decision.ts';
import type { BuildId } from '../ids.ts';
import { forecast } from '../ramp/forecast.ts';
import { finalPercent, isSuspended } from '../ramp/progress.ts';
import { currentOf, intendedPercent, pictureOf, type Standing } from '../standing.ts';

export interface ExposureStep {
  readonly percent: number;
  /**
   * Unix ms: when the present step was entered, or the earliest start of a later step if the change were applied now.
   * Undefined for past steps, and for steps that a freeze blocks for good.
   */
  readonly atMs: number | undefined;
  /** Undefined: it lasts for good. */
  readonly holdMs: number | undefined;
  readonly state: 'past' | 'now' | 'next';
}

export interface ExposurePlan {
  /** Effective percent of `current` before, 0 when another build was current. */
  readonly fromPercent: number;
  /** Effective percent once this is applied. */
  readonly toPercent: number;
  /** The most it can reach without another commit. */
  readonly finalPercent: number;
  /** Empty for a plain percentage, under rollback and for a withdrawn build. */
  readonly steps: readonly ExposureStep[];
  /** The ramp is new and begins when the change is applied, because it has no `start` or the start has passed. */
  readonly startsWithMerge: boolean;
  readonly suspendedUntilMs: number | undefined;
}

export function exposureOf(base: Standing | undefined, head: Standing, nowMs: number): ExposurePlan {
  const { rollout } = head.state;
  const sameBuild = base?.state.rollout.current === rollout.current;
  const closed = rollout.rollback || currentOf(head)?.withdrawn !== undefined;
  const steps = closed ? [] : stepsOf(head, nowMs);
  return {
    fromPercent: base !== undefined && sameBuild ? effectivePercent(pictureOf(base, nowMs), nowMs) : 0,
    toPercent: effectivePercent(pictureOf(head, nowMs), nowMs),
    finalPercent: closed ? 0 : finalPercent(rollout),
    steps,
    startsWithMerge:
      steps.length > 0 &&
      head.progress !== undefined &&
      head.progress.rampId !== base?.progress?.rampId &&
      head.progress.beginsAtMs <= nowMs,
    suspendedUntilMs: isSuspended(rollout, nowMs) ? rollout.suspend?.untilMs : undefined,
  };
}

const stepsOf = ({ state: { rollout, policy }, progress }: Standing, nowMs: number): ExposureStep[] =>
  forecast(rollout, progress, nowMs, policy?.freezeWindows ?? []).map(({ percent, atMs, holdMs, state }) => ({
    percent,
    atMs,
    holdMs,
    state,
  }));

/** The kind of change, as named in events (SPEC §10). */
export type Transition =
  | {
      readonly kind: 'promote';
      readonly from: BuildId | undefined;
      readonly to: BuildId;
      readonly percent: number;
    }
  | {
      readonly kind: 'rollback';
      readonly from: BuildId;
      readonly to: BuildId;
      readonly forceDowngrade: boolean;
    }
  | {
      readonly kind: 'rollout_update';
      readonly buildId: BuildId;
      readonly fromPercent: number;
      readonly toPercent: number;
    };

/** A promotion of the base's `last_safe` is in effect a rollback, and is reported as one. */
export function transitionsOf(base: Standing | undefined, head: Standing, nowMs: number): Transition[] {
  const { rollout } = head.state;
  const was = base?.state.rollout;
  const promoted = was?.current !== rollout.current;
  const back = was !== undefined && promoted && was.lastSafe === rollout.current;
  const { fromPercent, toPercent } = exposureOf(base, head, nowMs);
  const found: Transition[] = [];
  if (was !== undefined && ((rollout.rollback && !was.rollback) || back))
    found.push({
      kind: 'rollback',
      from: was.current,
      to: rollout.rollback ? (rollout.lastSafe ?? rollout.current) : rollout.current,
      forceDowngrade: rollout.forceDowngrade,
    });
  else if (promoted)
    found.push({ kind: 'promote', from: was?.current, to: rollout.current, percent: intendedPercent(head) });
  if (promoted || fromPercent !== toPercent)
    found.push({ kind: 'rollout_update', buildId: rollout.current, fromPercent, toPercent });
  return found;
}
