/** Enrolled devices: what checks need of them in memory, and their rows. */
import type { CheckInGaps } from '../domain/check-in-gaps.ts';
import type { DeviceChange } from '../domain/device-change.ts';
import type { BuildId, DeviceId, Sha256 } from '../domain/ids.ts';
import type { RecordedOutcome, ResultReason } from '../domain/outcome.ts';
import type { AuditEntry } from './audit.ts';

/** What every check needs, held in memory for all enrolled devices. */
export interface DeviceAuth {
  /** A small whole number that no other device has while this one is enrolled. */
  readonly slot: number;
  /** The newest generation handed out. */
  readonly generation: number;
  /** Until when the generation before it is still accepted; 0: it is not. */
  readonly previousUntilMs: number;
  /** Accepted until `previousUntilMs`; 0 outside a renewal. */
  readonly previousGeneration: number;
  readonly revoked: boolean;
  readonly tags: readonly string[];
  /** The key of the token that the device used last; undefined while none was seen. */
  readonly kid: string | undefined;
  /** When the newest token was made, Unix ms. */
  readonly tokenIssuedAtMs: number;
}

export interface DeviceRow {
  readonly deviceId: DeviceId;
  readonly tags: readonly string[];
  readonly generation: number;
  readonly enrolledAtMs: number;
  readonly revokedAtMs: number | undefined;
  readonly lastSeenMs: number | undefined;
  readonly versionCode: number | undefined;
  readonly buildId: BuildId | undefined;
  readonly sdk: number | undefined;
  readonly signer: Sha256 | undefined;
  readonly hasPushToken: boolean;
}

export interface CheckIn {
  readonly deviceId: DeviceId;
  readonly atMs: number;
  readonly versionCode: number;
  readonly buildId: BuildId | undefined;
  readonly sdk: number | undefined;
  readonly signer: Sha256 | undefined;
}

export interface NewDevice {
  readonly deviceId: DeviceId;
  /** Undefined: a known device keeps its tags, a new one has none. */
  readonly tags: readonly string[] | undefined;
  /** Imported bearer token of another system, as its SHA-256. */
  readonly tokenSha256?: Sha256 | undefined;
}

/** Stands for the tokens of another system, which no key of ours made. A key id never holds a colon. */
export const IMPORTED_KID = ':imported';

/** The older token stays good until the newer is used, however long that takes (SPEC §6). */
export const NO_END_MS = Number.MAX_SAFE_INTEGER;

/** What is undefined narrows nothing. */
export interface DeviceFilter {
  /** How its id begins. */
  readonly prefix?: string | undefined;
  readonly tag?: string | undefined;
  /** Devices that run it, by their last check. */
  readonly build?: { readonly buildId: BuildId; readonly versionCode: number | undefined } | undefined;
  /** Devices whose newest attempt at this build ended so. */
  readonly attempt?:
    | {
        readonly buildId: BuildId;
        readonly outcome?: RecordedOutcome | undefined;
        readonly reason?: ResultReason | undefined;
      }
    | undefined;
  /** Checked in since, Unix ms. */
  readonly seenSinceMs?: number | undefined;
  /** Not seen since, Unix ms; never seen counts. */
  readonly notSeenSinceMs?: number | undefined;
  readonly revoked?: boolean | undefined;
}

export interface DeviceStore {
  /** Synchronous, from memory: the update check never waits for the database. */
  auth(deviceId: DeviceId): DeviceAuth | undefined;
  /** Devices imported with a token of another system; undefined once that token's generation is no longer accepted. */
  deviceOfToken(tokenSha256: Sha256): DeviceId | undefined;
  /**
   * Inserts or, for a known id, updates tags; a revoked device is left as it is. One transaction, one answer per id.
   * Returns each device's generation: an erased id that is enrolled again never reuses one.
   * Fault `token_taken` when an imported token belongs to another device.
   */
  enrol(
    devices: readonly NewDevice[],
    atMs: number,
    /** The key that the new devices' tokens are made with. */
    kid?: string,
    /** Who does it, as in the audit; kept with each change of tags. */
    by?: string,
  ): Promise<{ deviceId: DeviceId; generation: number; created: boolean; revoked: boolean }[]>;
  get(deviceId: DeviceId): Promise<DeviceRow | undefined>;
  list(page: { after?: DeviceId | undefined; limit: number; tag?: string | undefined }): Promise<DeviceRow[]>;
  /**
   * Devices in the order of their ids that match the whole filter. A page may hold fewer than `limit` although more follow:
   * `next` is undefined only at the end of the fleet.
   */
  find(page: {
    after?: DeviceId | undefined;
    limit: number;
    filter: DeviceFilter;
  }): Promise<{ rows: DeviceRow[]; next: DeviceId | undefined }>;
  /** `by`: who does it, as in the audit; kept with the change. */
  setTags(deviceId: DeviceId, tags: readonly string[], by?: string): Promise<boolean>;
  /**
   * One change to many, in small transactions that each hold their audit rows. Returns the ids that were changed: unknown
   * ones, and those that are so already, are left out.
   */
  change(
    deviceIds: readonly DeviceId[],
    change: DeviceChange,
    auditOf: (deviceId: DeviceId, detail: Readonly<Record<string, unknown>>) => AuditEntry,
  ): Promise<DeviceId[]>;
  /**
   * Next generation; the one before stays valid until `previousUntilMs` or the new one's first use (0: dies at once).
   * While an earlier grace runs unconfirmed, the generation already handed out is returned again, so that a lost
   * answer locks nobody out. Undefined for an unknown or revoked device.
   */
  rotate(deviceId: DeviceId, previousUntilMs: number): Promise<number | undefined>;
  /** The new generation was used: the one before is dead from now on. Fire and forget, idempotent. */
  confirmGeneration(deviceId: DeviceId, generation: number): void;
  /**
   * After a restore: the device shows a newer generation than the backup knew, with a right MAC, so we issued it. True
   * when it counts from now on, without a grace for the older one; false outside the window that a restore opens.
   */
  adoptGeneration(deviceId: DeviceId, generation: number): boolean;
  /** A token of this key was used. Fire and forget, idempotent. */
  sawKid(deviceId: DeviceId, kid: string): void;
  /** Unrevoked devices by that key; `undefined`: no token was seen since it is watched. From memory. */
  kids(): ReadonlyMap<string | undefined, number>;
  revoke(deviceId: DeviceId, atMs: number): Promise<boolean>;
  /**
   * Lets a revoked device in again, as the next generation: all tokens from before stay dead. Undefined for a device
   * that is not enrolled or not revoked.
   */
  readmit(deviceId: DeviceId): Promise<number | undefined>;
  /** Erases the device's rows everywhere; its generation is remembered so that old tokens stay dead. */
  erase(deviceId: DeviceId): Promise<boolean>;
  setPushToken(deviceId: DeviceId, token: string | undefined): Promise<void>;
  /** Forgets this very token: one that the device registered meanwhile stays. */
  dropPushToken(deviceId: DeviceId, token: string): Promise<void>;
  /** Buffered, written in batches; only these may be lost in a crash. */
  checkIn(row: CheckIn): void;
  flush(): Promise<void>;
  /** Enrolled, unrevoked devices in id order with what decisions need, for plans, campaigns and adoption. */
  scan(page: {
    after?: DeviceId | undefined;
    /** Those devices alone, at most `limit`. */
    ids?: readonly DeviceId[];
    limit: number;
    withPushToken?: boolean;
  }): Promise<ScannedDevice[]>;
  counts(nowMs: number, activeWithinMs: number): Promise<FleetCounts>;
  /** How often the fleet checks in, as observed. From memory; costs the same for any fleet. */
  checkInGaps(): CheckInGaps;
}

export interface ScannedDevice {
  readonly deviceId: DeviceId;
  readonly tags: readonly string[];
  readonly generation: number;
  readonly versionCode: number | undefined;
  readonly buildId: BuildId | undefined;
  readonly sdk: number | undefined;
  readonly signer: Sha256 | undefined;
  readonly lastSeenMs: number | undefined;
  readonly pushToken: string | undefined;
}

/** Revoked devices count nowhere. */
export interface FleetCounts {
  readonly enrolled: number;
  /** Checked in within the window. */
  readonly active: number;
  /** Active devices by what they said they run; a device that named no build counts under its version code alone. */
  readonly running: readonly {
    readonly versionCode: number;
    readonly buildId: BuildId | undefined;
    readonly devices: number;
  }[];
}
