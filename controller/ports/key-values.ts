/** Small facts that must outlive a restart. */
import type { OutboxEntry } from './outbox.ts';

/** Small facts that must outlive a restart: ids of comments, deliveries already seen. An expired key is absent. */
export interface KeyValueStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAtMs?: number): Promise<void>;
  /** One transaction: the value, and the outbox rows that what it says causes. */
  keep(key: string, value: string, outbox: readonly OutboxEntry[]): Promise<void>;
  /** One transaction: the value that `next` makes of the standing one. Returns it. */
  change(key: string, next: (value: string | undefined) => string): Promise<string>;
  /** True when the key was absent and now is set: the first of several wins. */
  claim(key: string, value: string, expiresAtMs?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}
