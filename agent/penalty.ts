/** A growing pause after repeated failures of one build, so that no device downloads for ever (SPEC §9). */
import { HOUR_MS, MINUTE_MS } from '../controller/domain/duration.ts';
import type { BuildId } from '../controller/domain/ids.ts';

export interface Penalty {
  readonly buildId: BuildId;
  readonly failures: number;
  /** No new attempt at this build before this time; corrected Unix ms. */
  readonly untilMs: number;
}
const FREE_FAILURES = 2;
export const MAX_PENALTY_MS = 24 * HOUR_MS;
const FIRST_PENALTY_MS = 6 * HOUR_MS;
const REMEMBERED_BUILDS = 16;
/** Corrected clocks still differ a little from one process to the next. */
export const CLOCK_SLACK_MS = 10 * MINUTE_MS;

/** 0 for the first two failures, then 6 h, 12 h, 24 h, 24 h … */
export const penaltyMs = (failures: number): number =>
  failures <= FREE_FAILURES
    ? 0
    : Math.min(MAX_PENALTY_MS, FIRST_PENALTY_MS * 2 ** Math.min(failures - FREE_FAILURES - 1, 8));

export function addFailure(penalties: readonly Penalty[], buildId: BuildId, nowMs: number): Penalty[] {
  const failures = (penalties.find(p => p.buildId === buildId)?.failures ?? 0) + 1;
  const rest = penalties.filter(p => p.buildId !== buildId);
  return [...rest, { buildId, failures, untilMs: nowMs + penaltyMs(failures) }].slice(-REMEMBERED_BUILDS);
}

export const clearFailures = (penalties: readonly Penalty[], buildId: BuildId): Penalty[] =>
  penalties.filter(p => p.buildId !== buildId);

/** The rest of the pause; at most the longest pause, even if a clock was wrong. */
export function penaltyLeftMs(penalties: readonly Penalty[], buildId: BuildId, nowMs: number): number {
  const penalty = penalties.find(p => p.buildId === buildId);
  if (penalty === undefined) return 0;
  const left = penalty.untilMs - nowMs;
  const longest = penaltyMs(penalty.failures);
  return left > longest + CLOCK_SLACK_MS ? 0 : Math.min(longest, Math.max(0, left));
}
