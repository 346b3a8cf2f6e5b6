/** What was applied and how it went. */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { AuditEntry } from './audit.ts';

export interface AppliedRevision {
  readonly id: number;
  readonly revision: Revision;
  readonly appliedAtMs: number;
  readonly current: BuildId;
  /** As the audit keeps it: see `appliedOf`. */
  readonly detail: unknown;
  /** When the next one was applied; undefined: it stands. */
  readonly replacedAtMs: number | undefined;
  /** What happened to it, oldest first; the newest of them when there are more than are shown. */
  readonly events: readonly AuditEntry[];
  readonly eventsLeftOut: boolean;
}

export interface HistoryStore {
  /** Newest first. The cost of a page depends on neither the fleet nor the length of the history. */
  list(page: { beforeId?: number | undefined; limit: number }): Promise<AppliedRevision[]>;
  /** Keeps that the rollout applied at that moment is done, once; false when it was kept before or another one stands. */
  complete(appliedAtMs: number, entry: AuditEntry): Promise<boolean>;
}
