/** From the source to the snapshot: parser, admission and the loop between them. */
import type { Admission } from '../artifacts/admission.ts';
import type { JudgeSteps } from '../domain/judging/judge.ts';
import type { Reconciled } from '../domain/judging/reconciled.ts';
import { noticeOf } from '../domain/notice/of-change.ts';
import { unapprovable } from '../github/approvals.ts';
import type { GitHubConsole } from '../github/console.ts';
import type { Notifications } from '../notify/notifications.ts';
import type { OutboxEntry, PastSource, Source, SourceTree } from '../ports/index.ts';
import { type ContinuityOptions, makeContinuity } from '../reconcile/continuity.ts';
import { makeReconcile, type Reconcile } from '../reconcile/loop.ts';
import { makePast } from '../reconcile/past.ts';
import type { Publication } from '../reconcile/publication.ts';
import type { ExposureWatch } from '../watch/exposure.ts';
import type { FormerHaltWatch } from '../watch/former-halts.ts';
import { resumeRamp } from '../watch/ramp-row.ts';
import type { Foundation } from './foundation.ts';
import type { Nudges } from './nudges.ts';

interface DesiredParts {
  readonly source: Source;
  readonly judging: JudgeSteps<SourceTree>;
  readonly parseRollout: ContinuityOptions['parseRollout'];
  readonly admission: Admission;
  readonly publication: Publication;
  readonly github: GitHubConsole | undefined;
  readonly nudges: Nudges;
  readonly notifications: Pick<Notifications, 'promise'>;
  readonly exposure: ExposureWatch;
  readonly formerHalts: FormerHaltWatch;
}

export function reconcileOf({ clock, runtime, store, nowMs }: Foundation, parts: DesiredParts): Reconcile {
  const { source, judging, parseRollout, admission, publication, github } = parts;
  const { nudges, notifications, exposure, formerHalts } = parts;

  /** Effects of a judged revision; they are committed together with it. */
  function promised(reconciled: Reconciled): OutboxEntry[] {
    const standing = publication.snapshot?.revision;
    const told = [
      ...(github?.onReconciled(reconciled) ?? []),
      ...notifications.promise(noticeOf(reconciled, standing)),
    ];
    if (reconciled.kind === 'rejected') return told;
    const { before, after } = reconciled;
    // Time may have widened the rollout since the last exposure check; the devices it added were not nudged yet.
    const settledAtMs = before === undefined ? undefined : exposure.settledAtMs(before.revision);
    return [...told, ...nudges.promise({ snapshot: before, atMs: settledAtMs ?? nowMs() }, after)];
  }

  return makeReconcile({
    source,
    desired: store.desired,
    clock,
    monotonicMs: runtime.monotonicMs,
    observe: runtime.observer.observe,
    judging,
    continuity: makeContinuity({ source, values: store.leaderValues, parseRollout }),
    resume: applied =>
      resumeRamp(applied, {
        ramps: store.ramps,
        clock,
        observe: runtime.observer.observe,
        haltUntilKnown: formerHalts.haltUntilKnown,
      }),
    haltUntilKnown: formerHalts.haltUntilKnown,
    missing: admission.missing,
    approve: async (revision, plan, needed) =>
      github?.approve(revision, plan, needed) ?? unapprovable(plan, needed),
    effects: promised,
    publication,
    halts: store.halts.standing,
  });
}

/** Past states, read from the revisions of the source and the rows of the store. */
export const retrospectOf = (
  { store }: Foundation,
  source: Source,
  parse: JudgeSteps<SourceTree>['parse'],
): PastSource => makePast({ source, parse, desired: store.desired, past: store.past });
