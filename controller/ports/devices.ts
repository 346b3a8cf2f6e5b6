/** Enrolled devices: the data that checks read from memory, and the stored rows. */
import type { CheckInGaps } from '../domain/check-in-gaps.ts';
import type { DeviceChange } from '../domain/device-change.ts';
import type { BuildId, DeviceId, Sha256 } from '../domain/ids.ts';
import type { RecordedOutcome, ResultReason } from '../domain/outcome.ts';
import type { AuditEntry } from './audit.ts';

/** The data that every check needs. Kept in memory for all enrolled devices. */
export interface DeviceAuth {
  /** A small integer that is unique among the enrolled devices. */
  readonly slot: number;
  /** The newest generation handed out. */
  readonly generation: number;
  /** When the previous generation stops being accepted, Unix ms; 0 if it is not accepted. */
  readonly previousUntilMs: number;
  /** The generation that is accepted until `previousUntilMs`; 0 outside a renewal. */
  readonly previousGeneration: number;
  readonly revoked: boolean;
  readonly tags: readonly string[];
  /** The key of the device's last used token. Undefined until a token is seen. */
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
  /** If undefined, a known device keeps its tags and a new device gets none. */
  readonly tags: readonly string[] | undefined;
  /** SHA-256 of a bearer token imported from another system. */
  readonly tokenSha256?: Sha256 | undefined;
}

/** The key id of tokens imported from another system, which none of our keys signed. Real key ids never contain a colon. */
export const IMPORTED_KID = ':imported';

/** No end: the older token stays valid until the newer one is used (SPEC §6). */
export const NO_END_MS = Number.MAX_SAFE_INTEGER;

/** An undefined field does not filter. */
export interface DeviceFilter {
  /** Prefix of the device id. */
  readonly prefix?: string | undefined;
  readonly tag?: string | undefined;
  /** Devices that ran this build at their last check. */
  readonly build?: { readonly buildId: BuildId; readonly versionCode: number | undefined } | undefined;
  /** Devices whose newest attempt at this build ended with this outcome and reason. */
  readonly attempt?:
    | {
        readonly buildId: BuildId;
        readonly outcome?: RecordedOutcome | undefined;
        readonly reason?: ResultReason | undefined;
      }
    | undefined;
  /** Devices that have checked in since this time, Unix ms. */
  readonly seenSinceMs?: number | undefined;
  /** Devices that have not checked in since this time, Unix ms, or never have. */
  readonly notSeenSinceMs?: number | undefined;
  readonly revoked?: boolean | undefined;
}

export interface DeviceStore {
  /** Synchronous, from memory: the update check never waits for the database. */
  auth(deviceId: DeviceId): DeviceAuth | undefined;
  /** Finds a device by its imported token. Undefined once the generation of that token is no longer accepted. */
  deviceOfToken(tokenSha256: Sha256): DeviceId | undefined;
  /**
   * Inserts new devices and updates the tags of known ones. Revoked devices are not changed. One transaction, one result
   * per id. Returns each device's generation: an erased id that is enrolled again never reuses an old generation.
   * Fault `token_taken` if an imported token belongs to another device.
   */
  enrol(
    devices: readonly NewDevice[],
    atMs: number,
    /** The key that signs the tokens of the new devices. */
    kid?: string,
    /** The actor, as in the audit. Stored with each change of tags. */
    by?: string,
  ): Promise<{ deviceId: DeviceId; generation: number; created: boolean; revoked: boolean }[]>;
  get(deviceId: DeviceId): Promise<DeviceRow | undefined>;
  list(page: { after?: DeviceId | undefined; limit: number; tag?: string | undefined }): Promise<DeviceRow[]>;
  /**
   * Devices that match the whole filter, in id order. A page may have fewer than `limit` rows even if more follow. `next`
   * is undefined only at the end of the fleet.
   */
  find(page: {
    after?: DeviceId | undefined;
    limit: number;
    filter: DeviceFilter;
  }): Promise<{ rows: DeviceRow[]; next: DeviceId | undefined }>;
  /** `by`: the actor, as in the audit. Stored with the change. */
  setTags(deviceId: DeviceId, tags: readonly string[], by?: string): Promise<boolean>;
  /**
   * Applies one change to many devices, in small transactions that include their audit rows. Returns the ids of the changed
   * devices: without unknown ids, and without devices that already had that state.
   */
  change(
    deviceIds: readonly DeviceId[],
    change: DeviceChange,
    auditOf: (deviceId: DeviceId, detail: Readonly<Record<string, unknown>>) => AuditEntry,
  ): Promise<DeviceId[]>;
  /**
   * Returns the next generation. The previous one stays valid until `previousUntilMs` (0: ends at once) or until the first
   * use of the new one. During an unconfirmed grace period the same new generation is returned again, so a lost answer
   * locks no device out. Undefined for an unknown or revoked device.
   */
  rotate(deviceId: DeviceId, previousUntilMs: number): Promise<number | undefined>;
  /** The device has used the new generation, so the previous one is now invalid. Fire and forget, idempotent. */
  confirmGeneration(deviceId: DeviceId, generation: number): void;
  /**
   * For use after a restore: the device presents a newer generation than the backup has, and its MAC is valid, so we issued
   * it. Returns true if it is now in force, without a grace period for the older one. Returns false outside the window
   * that a restore opens.
   */
  adoptGeneration(deviceId: DeviceId, generation: number): boolean;
  /** Records that a token of this key was used. Fire and forget, idempotent. */
  sawKid(deviceId: DeviceId, kid: string): void;
  /** Number of unrevoked devices by key, from memory. The key `undefined` counts devices whose token was not seen yet. */
  kids(): ReadonlyMap<string | undefined, number>;
  revoke(deviceId: DeviceId, atMs: number): Promise<boolean>;
  /**
   * Admits a revoked device again with the next generation. All older tokens stay invalid. Undefined for a device that is
   * not enrolled or not revoked.
   */
  readmit(deviceId: DeviceId): Promise<number | undefined>;
  /** Erases all rows of the device. Its generation is kept, so that old tokens stay invalid. */
  erase(deviceId: DeviceId): Promise<boolean>;
  setPushToken(deviceId: DeviceId, token: string | undefined): Promise<void>;
  /** Deletes exactly this push token. A token that the device has registered since is kept. */
  dropPushToken(deviceId: DeviceId, token: string): Promise<void>;
  /** Buffered and written in batches. Only check-ins may be lost in a crash. */
  checkIn(row: CheckIn): void;
  flush(): Promise<void>;
  /** Enrolled, unrevoked devices in id order, with the data that decisions need. For plans, campaigns and adoption. */
  scan(page: {
    after?: DeviceId | undefined;
    /** Only these devices, at most `limit`. */
    ids?: readonly DeviceId[];
    limit: number;
    withPushToken?: boolean;
  }): Promise<ScannedDevice[]>;
  counts(nowMs: number, activeWithinMs: number): Promise<FleetCounts>;
  /** How often the fleet checks in, as observed. From memory, at the same cost for any fleet size. */
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

/** Revoked devices are never counted. */
export interface FleetCounts {
  readonly enrolled: number;
  /** Checked in within the window. */
  readonly active: number;
  /** Active devices by reported version. A device that named no build is counted by version code only. */
  readonly running: readonly {
    readonly versionCode: number;
    readonly buildId: BuildId | undefined;
    readonly devices: number;
  }[];
}
