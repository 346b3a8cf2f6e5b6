/** The outbox: effects that are committed with the change that causes them, and carried out later. */

/** A promised effect. `key` makes it idempotent: the newest row of a key wins. */
export interface OutboxEntry {
  readonly topic: string;
  readonly key: string;
  readonly payload: unknown;
  readonly notBeforeMs: number;
}

export interface OutboxRow extends OutboxEntry {
  readonly id: number;
  readonly attempts: number;
  readonly createdAtMs: number;
  /** Progress of a long effect (a campaign's last device id). */
  readonly cursor: string | undefined;
}

export interface OutboxStore {
  add(entries: readonly OutboxEntry[]): Promise<void>;
  /** Rows of these topics due at `nowMs`, oldest first. */
  due(topics: readonly string[], nowMs: number, limit: number): Promise<OutboxRow[]>;
  progress(id: number, cursor: string): Promise<void>;
  done(id: number): Promise<void>;
  retry(id: number, notBeforeMs: number, code: string): Promise<void>;
  giveUp(id: number, code: string): Promise<void>;
  pending(topic: string): Promise<OutboxRow[]>;
  /** Waiting rows by topic. `oldestMs`: when the oldest was added, Unix ms. */
  waiting(): Promise<readonly { readonly topic: string; readonly rows: number; readonly oldestMs: number }[]>;
}

export type Handled =
  | 'done'
  | { readonly retryAtMs: number; readonly code: string }
  | { readonly gaveUp: string };

export interface OutboxHandler {
  readonly topic: string;
  /** Carries the effect out. Faults with `retry: backoff` are tried again; after any other error the row is given up. */
  handle(row: OutboxRow, signal: AbortSignal): Promise<Handled>;
}
