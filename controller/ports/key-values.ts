/** Small facts that must outlive a restart. */

/** Small facts that must outlive a restart: ids of comments, deliveries already seen. An expired key is absent. */
export interface KeyValueStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAtMs?: number): Promise<void>;
  /** True when the key was absent and now is set: the first of several wins. */
  claim(key: string, value: string, expiresAtMs?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}
