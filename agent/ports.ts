/** The agent's ports; each platform (simulated, adb, a phone) implements them. */
import type { ByteReader } from '../controller/apk/index.ts';
import type { Sha256 } from '../controller/domain/ids.ts';
import type { Conditions, Installed, InstallResult } from './readings.ts';
import type { AgentState } from './state.ts';

/** Time and timers. `monotonicMs` never jumps; `wallMs` may, and is trusted only until the first `Date` of a response. */
export interface Clock {
  wallMs(): number;
  monotonicMs(): number;
  /** Calls back once after `delayMs` of monotonic time; returns a function to cancel. */
  timer(delayMs: number, fire: () => void): () => void;
}

export interface Platform {
  conditions(): Promise<Conditions>;
  /** Rejects with a Fault when the package manager cannot be asked. */
  installed(): Promise<Installed>;
  /** Replaces the agent. On a phone the caller's process may be killed before this resolves. */
  install(apk: ApkFile, options: { readonly downgrade: boolean }): Promise<InstallResult>;
  /** Calls back when conditions may have changed; returns a function to stop. */
  watch(onChange: () => void): () => void;
}

/** A downloaded APK, complete or in part. */
export interface ApkFile {
  /** Bytes on disk; 0 when there is none. */
  size(): Promise<number>;
  /** Fault `disk_full` when there is no room. */
  append(chunk: Buffer): Promise<void>;
  truncate(): Promise<void>;
  /** For verification; the caller closes it. */
  open(): Promise<ByteReader & { close(): Promise<void> }>;
  /** Closes the file after appending. */
  close(): Promise<void>;
  /** The path for other programs; undefined if the APK is in memory. */
  readonly path: string | undefined;
}

export interface ApkFiles {
  /** The file for this content hash; it may not exist yet. */
  of(sha256: Sha256): ApkFile;
  /** Removes every file but that of `keep`. */
  discard(keep: Sha256 | undefined): Promise<void>;
  /** Undefined if unknown. */
  freeBytes(): Promise<number | undefined>;
}

/** The device's secrets. */
export interface Credentials {
  /** The bearer token, read for each request. */
  token(): string;
  /**
   * Valid nudge keys, 32 bytes each; without one every nudge is ignored. For a day after a renewal the old key stays
   * valid, because the controller signs with it until the new token is first used.
   */
  nudgeKeys(nowMs: number): readonly Uint8Array[];
  /** Durable when it resolves; only then are the new ones used. */
  renew(token: string, nudgeKey: Uint8Array, nowMs: number): Promise<void>;
}

/** `lost`: a state existed, but neither it nor the previous one could be read. */
export type LoadedState =
  | { readonly kind: 'none' }
  | { readonly kind: 'state'; readonly state: AgentState; readonly recovered: boolean }
  | { readonly kind: 'lost' };

export interface StateStore {
  load(): Promise<LoadedState>;
  /** Durable when it resolves: written, synced, renamed. */
  save(state: AgentState): Promise<void>;
}
