/** Applied revisions and their course. */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { AuditEntry } from './audit.ts';

export interface AppliedRevision {
  readonly id: number;
  readonly revision: Revision;
  readonly appliedAtMs: number;
  readonly current: BuildId;
  /** The detail of the audit row: see `appliedOf`. */
  readonly detail: unknown;
  /** When the next revision was applied. Undefined for the revision in force. */
  readonly replacedAtMs: number | undefined;
  /** Its events, oldest first. If there are too many to show, these are the newest. */
  readonly events: readonly AuditEntry[];
  readonly eventsLeftOut: boolean;
}

export interface HistoryStore {
  /** Newest first. The cost of a page does not grow with the fleet or the history. */
  list(page: { beforeId?: number | undefined; limit: number }): Promise<AppliedRevision[]>;
  /** Records once that the rollout applied at that time is done. False if already recorded or if another rollout is in force. */
  complete(appliedAtMs: number, entry: AuditEntry): Promise<boolean>;
}
