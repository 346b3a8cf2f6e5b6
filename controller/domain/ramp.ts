/** How far a rollout is open at a moment: SPEC §2 "Ramp". Pure functions of the rollout, the ramp's clock and time. */
import type { Ramp, Rollout, Suspend } from './release.ts';

/**
 * When a ramp began and how long it has stood still since.
 * Freezes of earlier revisions are summed in `frozenMs` up to `countedUntilMs`; the standing rollout's own
 * `suspend` counts from there on, so that removing or editing a suspend never gives back or takes time twice.
 */
export interface RampClock {
  readonly startMs: number;
  readonly frozenMs: number;
  readonly countedUntilMs: number;
}

export const newClock = (startMs: number): RampClock => ({ startMs, frozenMs: 0, countedUntilMs: startMs });

function overlapMs(suspend: Suspend | undefined, fromMs: number, toMs: number): number {
  if (suspend === undefined) return 0;
  return Math.max(0, Math.min(suspend.untilMs, toMs) - Math.max(suspend.sinceMs, fromMs));
}

/** Time on the ramp at `nowMs`, without the frozen stretches; negative before the start. */
export function elapsedMs(rollout: Rollout, clock: RampClock, nowMs: number): number {
  return nowMs - clock.startMs - clock.frozenMs - overlapMs(rollout.suspend, clock.countedUntilMs, nowMs);
}

/** Index of the step that stands `elapsed` ms into the ramp; −1 before the start. */
export function stepAt(ramp: Ramp, elapsed: number): number {
  if (elapsed < 0) return -1;
  let end = 0;
  for (const [index, step] of ramp.steps.entries()) {
    end += step.holdMs ?? Number.POSITIVE_INFINITY;
    if (elapsed < end) return index;
  }
  return ramp.steps.length - 1;
}

/**
 * The declared exposure at `nowMs`: percent of buckets offered `current`, before rollback and withdrawal are applied.
 * `clock` is needed only for a ramp.
 */
export function percentAt(rollout: Rollout, clock: RampClock, nowMs: number): number {
  if (rollout.exposure.kind === 'percent') return rollout.exposure.percent;
  const { ramp } = rollout.exposure;
  return ramp.steps[stepAt(ramp, elapsedMs(rollout, clock, nowMs))]?.percent ?? 0;
}

/** The largest exposure this rollout can reach without another commit. */
export const finalPercent = (rollout: Rollout): number =>
  rollout.exposure.kind === 'percent'
    ? rollout.exposure.percent
    : (rollout.exposure.ramp.steps.at(-1)?.percent ?? 0);

export const isSuspended = (rollout: Rollout, nowMs: number): boolean =>
  rollout.suspend !== undefined && rollout.suspend.sinceMs <= nowMs && nowMs < rollout.suspend.untilMs;

/**
 * The next moment at which time alone changes what is offered (a step, a suspend's edge); undefined when none will.
 * Until then suspension and exposure stay as they are at `nowMs`.
 */
export function nextChangeMs(rollout: Rollout, clock: RampClock, nowMs: number): number | undefined {
  const moments: number[] = [];
  if (rollout.suspend !== undefined) moments.push(rollout.suspend.sinceMs, rollout.suspend.untilMs);
  if (rollout.exposure.kind === 'ramp' && !rollout.rollback) {
    let boundaryMs = 0;
    for (const step of rollout.exposure.ramp.steps) {
      moments.push(momentOf(rollout, clock, boundaryMs));
      boundaryMs += step.holdMs ?? Number.POSITIVE_INFINITY;
    }
  }
  const offered = (ms: number): number =>
    isSuspended(rollout, ms) ? -1 : rollout.rollback ? 0 : percentAt(rollout, clock, ms);
  return moments
    .filter(ms => ms > nowMs && Number.isFinite(ms))
    .sort((a, b) => a - b)
    .find(ms => offered(ms) !== offered(ms - 1));
}

/** Wall time at which the ramp will have run `elapsed` ms, given the standing suspend. */
export function momentOf(rollout: Rollout, clock: RampClock, elapsed: number): number {
  const unfrozen = clock.startMs + clock.frozenMs + elapsed;
  const { suspend } = rollout;
  if (suspend === undefined) return unfrozen;
  const from = Math.max(suspend.sinceMs, clock.countedUntilMs);
  return unfrozen <= from ? unfrozen : unfrozen + Math.max(0, suspend.untilMs - from);
}

/** A rollout is on the same ramp as before: same build, same written start, no rollback in between. */
export function continuesRamp(before: Rollout, after: Rollout): boolean {
  if (before.exposure.kind !== 'ramp' || after.exposure.kind !== 'ramp') return false;
  return (
    before.current === after.current &&
    before.exposure.ramp.startMs === after.exposure.ramp.startMs &&
    !(before.rollback && !after.rollback)
  );
}

/**
 * The clock once `after` stands. `atMs` is when it came to stand: the commit time for history, the moment of
 * applying for the running controller.
 */
export function advanceClock(
  before: { rollout: Rollout; clock: RampClock } | undefined,
  after: Rollout,
  atMs: number,
): RampClock {
  if (before !== undefined && continuesRamp(before.rollout, after)) {
    const { rollout, clock } = before;
    const untilMs = Math.max(atMs, clock.countedUntilMs);
    return {
      startMs: clock.startMs,
      frozenMs: clock.frozenMs + overlapMs(rollout.suspend, clock.countedUntilMs, untilMs),
      countedUntilMs: untilMs,
    };
  }
  const written = after.exposure.kind === 'ramp' ? after.exposure.ramp.startMs : undefined;
  return newClock(written ?? atMs);
}
