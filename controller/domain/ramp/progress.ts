/**
 * How far a ramp has come: the highest step entered, and how long it has been served. Stored with one row per step, for
 * gated ramps and others. Commit times do not affect it; only an applied commit ({@link carryOver}) and a look by the
 * leader (`look.ts`) change it.
 */
import type { Judgement } from '../gate/judge-step.ts';
import type { Ramp, Rollout } from '../release.ts';

export interface RampProgress {
  /** One ramp of one `current`: the Unix ms at which it was first applied, made unique. */
  readonly rampId: number;
  /** The later of `start` and the moment it was first applied, Unix ms. Nothing is exposed before. */
  readonly beginsAtMs: number;
  /** Index of the highest step that was entered; −1: none yet. */
  readonly step: number;
  /** When that step was entered, Unix ms. */
  readonly enteredAtMs: number;
  /** How long that step has been served: with the controller up, the clock trusted and nothing suspended. */
  readonly exposureMs: number;
  /** How long the controller has served this ramp in all its steps. */
  readonly servedMs: number;
  /** The newest judgement of that step; undefined before its first look. */
  readonly judgement: Judgement | undefined;
  /** An operator has answered the question of this step. */
  readonly resumed?: true | undefined;
}

/** The fields of a rollout that decide whether a ramp goes on. */
export type Ramped = Pick<Rollout, 'current' | 'rollback' | 'exposure'>;

export interface OnRamp {
  readonly rollout: Ramped;
  readonly progress: RampProgress | undefined;
}

export const rampOf = ({ exposure }: Pick<Rollout, 'exposure'>): Ramp | undefined =>
  exposure.kind === 'ramp' ? exposure.ramp : undefined;

/**
 * True if `after` goes on with the ramp of `before`. A new ramp begins with another `current`, another `start`, a switch
 * from a plain percent, or the end of a rollback.
 */
export function continuesRamp(before: Ramped, after: Ramped): boolean {
  const was = rampOf(before);
  const is = rampOf(after);
  if (was === undefined || is === undefined) return false;
  return (
    before.current === after.current && was.startMs === is.startMs && !(before.rollback && !after.rollback)
  );
}

/** A ramp that is applied now; no step is entered yet. */
export function newRamp(ramp: Pick<Ramp, 'startMs'>, nowMs: number, before?: RampProgress): RampProgress {
  const beginsAtMs = Math.max(ramp.startMs ?? nowMs, nowMs);
  return {
    rampId: Math.max(nowMs, (before?.rampId ?? 0) + 1),
    beginsAtMs,
    step: -1,
    enteredAtMs: beginsAtMs,
    exposureMs: 0,
    servedMs: 0,
    judgement: undefined,
  };
}

/**
 * The progress once `after` is applied over `before`. A ramp that goes on keeps its exposure: it continues at the highest
 * new step whose percent is not above it, so an edit narrows at once and never widens. The time in a step is kept only if
 * its percent is unchanged. Undefined for a plain percent.
 */
export function carryOver(
  before: OnRamp | undefined,
  after: Ramped,
  nowMs: number,
): RampProgress | undefined {
  const ramp = rampOf(after);
  if (ramp === undefined) return undefined;
  const progress = before?.progress;
  const was = before === undefined ? undefined : rampOf(before.rollout);
  if (before === undefined || progress === undefined || was === undefined)
    return newRamp(ramp, nowMs, progress);
  if (!continuesRamp(before.rollout, after)) return newRamp(ramp, nowMs, progress);
  const entered = was.steps[progress.step];
  if (entered === undefined) return progress;
  const step = ramp.steps.findLastIndex(s => s.percent <= entered.percent);
  if (ramp.steps[step]?.percent === entered.percent) return { ...progress, step };
  const moved = {
    ...progress,
    step,
    enteredAtMs: nowMs,
    exposureMs: 0,
    judgement: undefined,
    resumed: undefined,
  };
  if (step >= 0) return moved;
  // All new steps are above the present exposure. Nobody is exposed until the former step would have been over;
  // otherwise an edit would widen without the hold of that step.
  const holdMs = entered.holdMs ?? ramp.steps[0]?.holdMs ?? 0;
  const leftMs = Math.max(0, holdMs - (entered.holdMs === undefined ? 0 : progress.exposureMs));
  return { ...moved, beginsAtMs: Math.max(progress.beginsAtMs, nowMs + leftMs) };
}

/**
 * The percent of buckets that is open: a plain percent, or that of the step entered. Rollback, withdrawal, suspend and
 * halt are not applied here.
 */
export function percentAt(rollout: Rollout, progress: RampProgress | undefined): number {
  if (rollout.exposure.kind === 'percent') return rollout.exposure.percent;
  return rollout.exposure.ramp.steps[progress?.step ?? -1]?.percent ?? 0;
}

/** The percent that a rollout reaches at once if no freeze window, suspend or approval blocks its first step. */
export function percentOnceOpen(rollout: Rollout, progress: RampProgress | undefined, nowMs: number): number {
  const first = rampOf(rollout)?.steps[0]?.percent ?? 0;
  const waits = progress !== undefined && progress.step < 0 && progress.beginsAtMs <= nowMs;
  return waits ? first : percentAt(rollout, progress);
}

/** The largest exposure this rollout can reach without another commit. */
export const finalPercent = ({ exposure }: Rollout): number =>
  exposure.kind === 'percent' ? exposure.percent : (exposure.ramp.steps.at(-1)?.percent ?? 0);

export const isSuspended = (rollout: Pick<Rollout, 'suspend'>, nowMs: number): boolean =>
  rollout.suspend !== undefined && rollout.suspend.sinceMs <= nowMs && nowMs < rollout.suspend.untilMs;
