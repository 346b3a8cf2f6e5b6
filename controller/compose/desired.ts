/** From the source to the snapshot: parser, admission and the loop between them. */
import { makeAdmission } from '../artifacts/admission.ts';
import { unapprovable } from '../github/approvals.ts';
import type { GitHubConsole } from '../github/console.ts';
import type { Artifacts, OutboxEntry, Source } from '../ports/index.ts';
import { makeReconcile, type Reconcile } from '../reconcile/loop.ts';
import type { Publication } from '../reconcile/publication.ts';
import type { Judged } from '../reconcile/record.ts';
import { findRampStart } from '../source/ramp-start.ts';
import type { ExposureWatch } from '../watch/exposure.ts';
import type { apartParser } from '../yaml/parse-apart.ts';
import type { Ground } from './ground.ts';
import type { Nudges } from './nudges.ts';

export interface DesiredParts {
  readonly source: Source;
  readonly parser: ReturnType<typeof apartParser>;
  readonly artifacts: Artifacts;
  readonly publication: Publication;
  readonly github: GitHubConsole | undefined;
  readonly nudges: Nudges;
  readonly exposure: ExposureWatch;
}

export function reconcileOf({ clock, around, store, nowMs }: Ground, parts: DesiredParts): Reconcile {
  const { source, parser, artifacts, publication, github, nudges, exposure } = parts;
  const { parse, parseRollout, place } = parser;
  const admission = makeAdmission({ artifacts });

  /** What a judged revision promises: committed together with it. */
  function promised(judged: Judged): OutboxEntry[] {
    const told = github?.onReconciled(judged) ?? [];
    if (judged.kind === 'rejected') return told;
    const { before, after } = judged;
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
    parse,
    rampStart: (revision, head, applied, atMs) =>
      findRampStart(source, revision, head, applied, atMs, parseRollout),
    place,
    admit: (state, standing) => admission.admit(state, standing),
    missing: state => admission.missing(state),
    approve: async (revision, planned) => github?.approve(revision, planned) ?? unapprovable(planned),
    effects: promised,
    publication,
  });
}
