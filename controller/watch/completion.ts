/** Notices, by the fleet's count, that the rollout in force is done, and keeps when: once for each applied revision. */
import type { Snapshot } from '../domain/decision.ts';
import { COMPLETE } from '../domain/history.ts';
import { hasArrived, subjectOf, waitsOf } from '../domain/progress.ts';
import type { HistoryStore, ProgressSource } from '../ports/index.ts';

export interface CompletionOptions {
  readonly picture: () => Snapshot | undefined;
  readonly progress: Pick<ProgressSource, 'last'>;
  readonly history: Pick<HistoryStore, 'complete'>;
  readonly nowMs: () => number;
}

export interface CompletionWatch {
  /** Called after each count. */
  look(): Promise<void>;
}

export function watchCompletion({ picture, progress, history, nowMs }: CompletionOptions): CompletionWatch {
  /** The applied revision that is known to be done, by its moment. */
  let doneMs: number | undefined;
  return {
    look: async () => {
      const counted = progress.last();
      const standing = picture();
      if (counted === undefined || standing === undefined) return;
      const { appliedAtMs, revision, halts } = standing;
      // A count of the revision before says nothing of this one.
      if (counted.picture.appliedAtMs !== appliedAtMs || doneMs === appliedAtMs || halts.length > 0) return;
      const { kind, buildId } = subjectOf(standing);
      if (waitsOf(kind, counted.progress, hasArrived(standing)).length > 0) return;
      const { exposed, offered, running } = counted.progress;
      await history.complete(appliedAtMs, {
        atMs: nowMs(),
        actor: 'controller',
        action: COMPLETE,
        subject: buildId,
        detail: { revision, kind, exposed, offered, running },
      });
      doneMs = appliedAtMs;
    },
  };
}
