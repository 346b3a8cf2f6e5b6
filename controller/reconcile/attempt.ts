/** The last attempt, in memory and in the store: its revision and its problems. */
import type { Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';
import type { Attempted, DesiredStore, OutboxEntry, RevisionDetail } from '../ports/index.ts';

export interface Attempts {
  readonly revision: Revision | undefined;
  readonly problems: readonly Problem[];
  /** Reads the last attempt back after a start. */
  restore(): Promise<void>;
  /** Stores a rejection. False if the same rejection is already stored, so that it is reported only once. */
  reject(attempt: Attempted, effects: () => OutboxEntry[], detail: () => RevisionDetail): Promise<boolean>;
  /** Notes a successful attempt in memory. It was committed together with the applied state. */
  applied(revision: Revision, warnings: readonly Problem[]): void;
  /** Moves the applied state to this revision, which has the same tree. */
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
      // The status shows the attempt only after it and its outbox rows are committed.
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
