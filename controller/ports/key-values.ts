/** Small facts that must outlive a restart. */
import type { OutboxEntry } from './outbox.ts';

/** For example ids of comments and deliveries already seen. An expired key is absent. */
export interface KeyValueStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAtMs?: number): Promise<void>;
  /** Stores the value and its outbox rows in one transaction. */
  keep(key: string, value: string, outbox: readonly OutboxEntry[]): Promise<void>;
  /** Replaces the stored value with the result of `next`, in one transaction. Returns the new value. */
  change(key: string, next: (value: string | undefined) => string): Promise<string>;
  /** Sets the key if it is absent. True for the first of several callers only. */
  claim(key: string, value: string, expiresAtMs?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}
