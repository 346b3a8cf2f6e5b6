/** The earliest times at which the steps of a ramp can begin, if they wait for time alone. */
import { type FrozenWindows, firstOpenMs } from '../policy/freeze.ts';
import type { DesiredState, Rollout, Suspend } from '../release.ts';
import { isSuspended, percentAt, type RampProgress, rampOf } from './progress.ts';

interface ForecastStep {
  readonly index: number;
  readonly percent: number;
  /** Undefined: it lasts for good. */
  readonly holdMs: number | undefined;
  readonly state: 'past' | 'now' | 'next';
  /**
   * Unix ms: when the present step was entered, or the earliest start of a later one. Undefined for past steps, and for
   * steps that a freeze without an end blocks.
   */
  readonly atMs: number | undefined;
}

/** `fromMs` plus `ms` of time that is not suspended. */
export function afterServing(suspend: Suspend | undefined, fromMs: number, ms: number): number {
  if (suspend === undefined) return fromMs + ms;
  const stopsMs = Math.max(fromMs, suspend.sinceMs);
  if (fromMs + ms < stopsMs) return fromMs + ms;
  return fromMs + ms + Math.max(0, suspend.untilMs - stopsMs);
}

/** The forecast of every step at `nowMs`; empty for a plain percent. */
export function forecast(
  rollout: Rollout,
  progress: RampProgress | undefined,
  nowMs: number,
  freeze: FrozenWindows,
): ForecastStep[] {
  const ramp = rampOf(rollout);
  if (ramp === undefined) return [];
  const entered = progress?.step ?? -1;
  let endsMs: number | undefined = Math.max(nowMs, progress?.beginsAtMs ?? nowMs);
  return ramp.steps.map(({ percent, holdMs }, index): ForecastStep => {
    const step = { index, percent, holdMs };
    if (index < entered) return { ...step, state: 'past', atMs: undefined };
    if (index === entered) {
      const leftMs = Math.max(0, (holdMs ?? 0) - (progress?.exposureMs ?? 0));
      endsMs = afterServing(rollout.suspend, nowMs, leftMs);
      return { ...step, state: 'now', atMs: progress?.enteredAtMs };
    }
    const unsuspendedMs = endsMs === undefined ? undefined : afterServing(rollout.suspend, endsMs, 0);
    const atMs = unsuspendedMs === undefined ? undefined : firstOpenMs(freeze, unsuspendedMs);
    endsMs = atMs === undefined ? undefined : afterServing(rollout.suspend, atMs, holdMs ?? 0);
    return { ...step, state: 'next', atMs };
  });
}

/** The percent that a ramp has reached at `atMs` if it never waits; for `atMs` up to `nowMs` the present one. */
export function percentBy(
  rollout: Rollout,
  progress: RampProgress | undefined,
  nowMs: number,
  atMs: number,
  freeze: FrozenWindows,
): number {
  const stands = percentAt(rollout, progress);
  if (atMs <= nowMs) return stands;
  const reached = forecast(rollout, progress, nowMs, freeze).findLast(
    step => step.atMs !== undefined && step.atMs <= atMs,
  );
  return reached?.percent ?? stands;
}

/** The inputs that decide when time may change offers. */
interface Timed {
  readonly state: DesiredState;
  readonly progress: RampProgress | undefined;
}

const isClosed = ({ state: { rollout, builds } }: Timed): boolean =>
  rollout.rollback || builds.get(rollout.current)?.withdrawn !== undefined;

/** The next step of a ramp at its earliest; undefined if none follows without another commit. */
export function nextStepOf(timed: Timed, nowMs: number): { percent: number; atMs: number } | undefined {
  if (isClosed(timed)) return undefined;
  const { rollout, policy } = timed.state;
  const next = forecast(rollout, timed.progress, nowMs, policy?.freezeWindows ?? []).find(
    step => step.state === 'next',
  );
  return next?.atMs === undefined ? undefined : { percent: next.percent, atMs: next.atMs };
}

/** The next moment at which time alone may change offers: a step, or a suspend's start or end. Undefined: none. */
export function nextChangeMs(timed: Timed, nowMs: number): number | undefined {
  const { rollout } = timed.state;
  const { suspend } = rollout;
  const edges =
    suspend === undefined
      ? []
      : [suspend.sinceMs, suspend.untilMs].filter(
          ms => ms > nowMs && isSuspended(rollout, ms) !== isSuspended(rollout, ms - 1),
        );
  const step = nextStepOf(timed, nowMs)?.atMs;
  return [...edges, ...(step === undefined ? [] : [step])].sort((a, b) => a - b)[0];
}
