/** From the source to the snapshot: parser, admission and the loop between them. */
import type { Admission } from '../artifacts/admission.ts';
import type { JudgeSteps } from '../domain/judging/judge.ts';
import type { Reconciled } from '../domain/judging/reconciled.ts';
import { unapprovable } from '../github/approvals.ts';
import type { GitHubConsole } from '../github/console.ts';
import type { OutboxEntry, Source, SourceTree } from '../ports/index.ts';
import { makeReconcile, type Reconcile } from '../reconcile/loop.ts';
import type { Publication } from '../reconcile/publication.ts';
import { findRampStart, type ParseRollout } from '../source/ramp-start.ts';
import type { ExposureWatch } from '../watch/exposure.ts';
import type { Ground } from './ground.ts';
import type { Nudges } from './nudges.ts';

export interface DesiredParts {
  readonly source: Source;
  readonly judging: JudgeSteps<SourceTree>;
  readonly parseRollout: ParseRollout;
  readonly admission: Admission;
  readonly publication: Publication;
  readonly github: GitHubConsole | undefined;
  readonly nudges: Nudges;
  readonly exposure: ExposureWatch;
}

export function reconcileOf({ clock, around, store, nowMs }: Ground, parts: DesiredParts): Reconcile {
  const { source, judging, parseRollout, admission, publication, github, nudges, exposure } = parts;

  /** What a judged revision promises: committed together with it. */
  function promised(reconciled: Reconciled): OutboxEntry[] {
    const told = github?.onReconciled(reconciled) ?? [];
    if (reconciled.kind === 'rejected') return told;
    const { before, after } = reconciled;
    // Time may have widened the rollout since exposure was last looked at: those devices were told nothing yet.
    const settledAtMs = before === undefined ? undefined : exposure.settledAtMs(before.revision);
    return [...told, ...nudges.promise({ snapshot: before, atMs: settledAtMs ?? nowMs() }, after)];
  }

  return makeReconcile({
    source,
    desired: store.desired,
    clock,
    monotonicMs: around.monotonicMs,
    observe: around.observer.observe,
    judging: {
      ...judging,
      rampStart: (tree, rollout, standing, atMs) =>
        findRampStart(source, tree.revision, rollout, standing, atMs, parseRollout),
    },
    missing: admission.missing,
    approve: async (revision, plan, needed) =>
      github?.approve(revision, plan, needed) ?? unapprovable(plan, needed),
    effects: promised,
    publication,
  });
}
