/** Rules and warnings on where a ramp begins once a change is applied (SPEC §2 "Ramp"). */
import { DAY_MS } from '../duration.ts';
import { isWayBack } from '../policy/rise.ts';
import type { Finding } from '../problem.ts';
import { carryOver, continuesRamp, percentOnceOpen, rampOf } from '../ramp/progress.ts';
import type { DesiredState, Ramp, Rollout } from '../release.ts';
import { intendedPercent, type Standing, standingAfter } from '../standing.ts';
import { error, inRollout, warning } from './finding.ts';
import type { RuleTimes } from './times.ts';

/** A start further away than this, in the past or the future, counts as a typo. */
const MAX_START_MS = 14 * DAY_MS;

const startOf = (rollout: Rollout): number | undefined => rampOf(rollout)?.startMs;

/** True if a former `current` is promoted again, or a rollback of the same build ends. */
export function isReturnToFormer(head: DesiredState, base: Standing): boolean {
  const was = base.state.rollout;
  const is = head.rollout;
  if (was.current === is.current) return was.rollback && !is.rollback;
  const build = head.builds.get(is.current);
  if (build === undefined) return false;
  const stood = base.formerCurrents?.has(is.current) ?? base.state.builds.has(is.current);
  return stood || isWayBack(base, standingAfter(base, head, undefined), build);
}

/**
 * Catches a typo in the year of a start. It is an error only in a review, where it can still be fixed. A way back is
 * never blocked, and a merged start is applied.
 */
export function* checkStart(
  head: DesiredState,
  base: Standing | undefined,
  { nowMs, reviewing }: RuleTimes,
): Generator<Finding> {
  const startMs = startOf(head.rollout);
  if (reviewing !== true || base === undefined || startMs === undefined || isReturnToFormer(head, base))
    return;
  const was = base.state.rollout;
  if (was.current === head.rollout.current && startOf(was) === startMs) return;
  const days = Math.round(Math.abs(startMs - nowMs) / DAY_MS);
  if (nowMs - startMs > MAX_START_MS)
    yield error(
      'ramp_start_past',
      inRollout('ramp', 'start'),
      `start is ${days} days in the past; at most 14 are accepted`,
      'write a start at or after the merge, or leave it out to begin with the merge',
    );
  if (startMs - nowMs > MAX_START_MS)
    yield error(
      'ramp_start_far',
      inRollout('ramp', 'start'),
      `start is ${days} days in the future; at most 14 are accepted`,
      'check the year; write a start within the next 14 days',
    );
}

/** True if, counted from its `start`, the ramp would be past its first step. */
function isLate({ startMs, steps }: Ramp, nowMs: number): boolean {
  return startMs !== undefined && startMs + (steps[0]?.holdMs ?? 0) <= nowMs;
}

/** Warns about effects that the YAML does not show: the ramp begins at its first step, or narrows. */
export function* warnRamp(
  head: DesiredState,
  base: Standing | undefined,
  { nowMs, reviewing, broken }: RuleTimes,
): Generator<Finding> {
  const { rollout } = head;
  const ramp = rampOf(rollout);
  const first = ramp?.steps[0]?.percent;
  if (ramp === undefined || first === undefined || rollout.rollback) return;
  if (base === undefined) {
    if (reviewing !== true) yield restarts(first, 'its earlier progress is not known');
    return;
  }
  const was = base.state.rollout;
  const goesOn = broken !== true && continuesRamp(was, rollout);
  if (!goesOn && broken === true)
    yield restarts(first, 'Git held a different rollout since the last applied revision');
  else if (!goesOn && isReturnToFormer(head, base))
    yield restarts(first, `${rollout.current} was current before; devices that have it keep it`);
  else if (!goesOn && isLate(ramp, nowMs)) yield restarts(first, 'its start has passed');
  else yield* narrows(rollout, base, nowMs);
}

const restarts = (percent: number, why: string): Finding =>
  warning(
    'ramp_restarts',
    inRollout('ramp'),
    `the ramp begins at its first step, ${percent} %, when this is applied: ${why}`,
    'nothing to do if that is intended; to expose all at once, write rollout_percent',
  );

function* narrows(rollout: Rollout, base: Standing, nowMs: number): Generator<Finding> {
  const was = base.state.rollout;
  if (was.current !== rollout.current) return;
  const fromPercent = intendedPercent(base);
  const progress = carryOver({ rollout: was, progress: base.progress }, rollout, nowMs);
  const toPercent = percentOnceOpen(rollout, progress, nowMs);
  if (toPercent < fromPercent)
    yield warning(
      'ramp_narrows',
      inRollout('ramp'),
      `exposure of ${rollout.current} falls from ${fromPercent} % to ${toPercent} % when this is applied`,
      'a ramp opens one step at a time; devices that have the build keep it',
    );
}
