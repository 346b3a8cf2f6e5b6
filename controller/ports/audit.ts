/** Who changed what, and when. */
import type { OutboxEntry } from './outbox.ts';

export interface AuditEntry {
  readonly atMs: number;
  /** See `domain/actor.ts`. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: unknown;
}

export interface AuditStore {
  /** Writes the row and the outbox rows of the same change in one transaction. */
  record(entry: AuditEntry, outbox?: readonly OutboxEntry[]): Promise<void>;
  /** Newest first. `actor`, `action` and `subject` match exactly. */
  list(page: AuditPage): Promise<(AuditEntry & { id: number })[]>;
}

interface AuditPage {
  readonly beforeId?: number | undefined;
  readonly limit: number;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
}
