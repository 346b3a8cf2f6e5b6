/** The last attempt, in memory and in the store: which revision was tried, and which problems it had. */
import type { Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';
import type { Attempted, DesiredStore, OutboxEntry, RevisionDetail } from '../ports/index.ts';

export interface Attempts {
  readonly revision: Revision | undefined;
  readonly problems: readonly Problem[];
  /** Reads the last attempt back after a start. */
  restore(): Promise<void>;
  /** False when this same rejection is already stored, so that it is reported once. */
  reject(attempt: Attempted, effects: () => OutboxEntry[], detail: () => RevisionDetail): Promise<boolean>;
  /** The attempt was committed together with the state that it applied. */
  applied(revision: Revision, warnings: readonly Problem[]): void;
  /** The applied tree stands at this revision. */
  stand(revision: Revision, atMs: number): Promise<void>;
}

export function keepAttempts(desired: DesiredStore): Attempts {
  let revision: Revision | undefined;
  let problems: readonly Problem[] = [];

  async function restore(): Promise<void> {
    const kept = await desired.attempted();
    revision = kept?.revision;
    problems = kept?.problems ?? [];
  }

  return {
    get revision() {
      return revision;
    },
    get problems() {
      return problems;
    },
    restore,
    reject: async (attempt, effects, detail) => {
      const before = await desired.attempted();
      const repeated =
        before?.revision === attempt.revision &&
        JSON.stringify(before.problems) === JSON.stringify(attempt.problems);
      // The status tells it only after the attempt and its outbox rows are committed.
      if (!repeated) await desired.reject(attempt, effects(), detail());
      revision = attempt.revision;
      problems = attempt.problems;
      return !repeated;
    },
    applied: (of, warnings) => {
      revision = of;
      problems = warnings;
    },
    stand: async (at, atMs) => {
      await desired.advance(at, atMs);
      await restore();
    },
  };
}
