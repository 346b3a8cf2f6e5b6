/**
 * The ramp clock of version 0.1: wall time since a start, minus suspended time. Only used to take over a data folder or
 * a queued campaign of that version. Do not change it.
 */
import { newRamp, type RampProgress } from './progress.ts';

export interface OldClock {
  readonly startMs: number;
  readonly frozenMs: number;
  readonly countedUntilMs: number;
}

/** The fields it needs of a rollout as stored by 0.1. */
export interface OldRollout {
  readonly exposure:
    | { readonly kind: 'percent' }
    | {
        readonly kind: 'ramp';
        readonly ramp: { readonly steps: readonly { readonly holdMs?: number | undefined }[] };
      };
  readonly suspend?: { readonly sinceMs: number; readonly untilMs: number } | undefined;
}

/** The progress that such a clock had made by `atMs`; undefined for a plain percent. */
export function progressOfOldClock(
  rollout: OldRollout,
  clock: OldClock,
  atMs: number,
): RampProgress | undefined {
  if (rollout.exposure.kind === 'percent') return undefined;
  const elapsedMs = elapsed(rollout, clock, atMs);
  const begun = { ...newRamp({ startMs: clock.startMs }, clock.startMs), beginsAtMs: clock.startMs };
  if (elapsedMs < 0) return begun;
  const { steps } = rollout.exposure.ramp;
  let beforeMs = 0;
  let step = 0;
  for (; step < steps.length - 1; step += 1) {
    const holdMs = steps[step]?.holdMs;
    if (holdMs === undefined || elapsedMs < beforeMs + holdMs) break;
    beforeMs += holdMs;
  }
  const exposureMs = elapsedMs - beforeMs;
  return { ...begun, step, enteredAtMs: atMs - exposureMs, exposureMs, servedMs: elapsedMs };
}

function elapsed({ suspend }: OldRollout, clock: OldClock, atMs: number): number {
  const suspendedMs =
    suspend === undefined
      ? 0
      : Math.max(0, Math.min(suspend.untilMs, atMs) - Math.max(suspend.sinceMs, clock.countedUntilMs));
  return atMs - clock.startMs - clock.frozenMs - suspendedMs;
}
