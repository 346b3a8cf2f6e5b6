/** Turns the controller's actions into notices. Pure. */
import type { Snapshot } from '../decision.ts';
import type { Halt } from '../halt.ts';
import type { Revision } from '../ids.ts';
import type { Reconciled } from '../judging/reconciled.ts';
import { isWayBack } from '../plan/way-back.ts';
import { type FleetProgress, subjectOf } from '../progress.ts';
import type { Build } from '../release.ts';
import { intendedPercent } from '../standing.ts';
import type { NamedBuild, Notice } from './notice.ts';

/** `ota status` shows them all. */
const MOST_PROBLEMS = 5;

const named = ({ buildId, versionName }: Build): NamedBuild => ({ buildId, versionName });

/** Undefined if the meaning does not change, so there is no notice. `standing`: the revision that stays applied. */
export function noticeOf(reconciled: Reconciled, standing: Revision | undefined): Notice | undefined {
  if (reconciled.kind === 'rejected') {
    const errors = reconciled.problems.filter(p => p.severity === 'error');
    return {
      kind: 'refused',
      revision: reconciled.revision,
      standingRevision: standing,
      problems: errors.slice(0, MOST_PROBLEMS).map(({ code, file, line }) => ({ code, file, line })),
      problemsTotal: errors.length,
    };
  }
  const { before, after, plan } = reconciled;
  if (plan.empty) return undefined;
  const { revision, current, rollout } = after;
  if (before !== undefined && isWayBack(before, after, plan))
    return {
      kind: 'reverted',
      revision,
      build: named(subjectOf(after).build),
      fromBuildId: before.rollout.current,
      forceDowngrade: rollout.forceDowngrade,
      reason: rollout.reason,
    };
  const { fromPercent, toPercent, finalPercent } = plan.exposure;
  const previousBuildId = before?.rollout.current === rollout.current ? undefined : before?.rollout.current;
  return {
    kind: 'applied',
    revision,
    build: named(current),
    previousBuildId,
    fromPercent,
    toPercent,
    finalPercent,
    reason: rollout.reason,
  };
}

export const noticeOfHalt = (
  { by, mode, reason }: Pick<Halt, 'by' | 'mode' | 'reason'>,
  { revision, current }: Snapshot,
): Notice => ({ kind: 'halted', revision, build: named(current), by, mode, reason });

type Completed = Extract<Notice, { kind: 'completed' }>;

export function noticeOfCompletion(picture: Snapshot, { running, offered }: FleetProgress): Completed {
  const { build, kind } = subjectOf(picture);
  return {
    kind: 'completed',
    revision: picture.revision,
    build: named(build),
    course: kind === 'rollback' ? 'rollback' : 'rollout',
    percent: intendedPercent(picture),
    running,
    offered,
  };
}

/** `ended`, `failed`: devices, as {@link ../failure-spike.ts} counts them. */
export const noticeOfSpike = (
  { revision, current }: Snapshot,
  counts: Pick<Extract<Notice, { kind: 'failure_spike' }>, 'failed' | 'ended' | 'windowMs' | 'reasons'>,
): Notice => ({ kind: 'failure_spike', revision, build: named(current), ...counts });
