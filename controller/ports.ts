/**
 * What the core asks of the world: each adapter implements one of these, `main.ts` wires them, tests may stand in.
 * Every promise may reject with a Fault; nothing else is thrown on purpose.
 */
import type { Snapshot } from './domain/decision.ts';
import type { Outcome, ResultReason } from './domain/event.ts';
import type { BuildId, DeviceId, Revision, Sha256 } from './domain/ids.ts';
import type { FleetPlan } from './domain/plan/fleet.ts';
import type { Plan } from './domain/plan.ts';
import type { Problem } from './domain/problem.ts';
import type { RampClock } from './domain/ramp.ts';
import type { Build, DesiredState } from './domain/release.ts';

// ---------------------------------------------------------------- source

/** One file under `releases/`, path relative to it; what could not be read safely is said, not thrown. */
export type SourceFile =
  | { readonly path: string; readonly content: Buffer }
  | { readonly path: string; readonly refused: 'symlink' | 'not_a_file' | 'file_too_large' };

export interface SourceTree {
  readonly revision: Revision;
  /** Committer time (Git) or the newest change (folder), Unix ms. */
  readonly committedAtMs: number;
  /** Hash over the names and contents of `releases/` alone: equal trees mean equal desired state. */
  readonly treeHash: string;
  /** Empty when `releases/` is missing at this revision. */
  readonly files: readonly SourceFile[];
}

export interface RolloutVersion {
  readonly revision: Revision;
  readonly committedAtMs: number;
  readonly content: Buffer;
}

export interface Source {
  /** Fetches and names the newest revision. */
  head(): Promise<Revision>;
  /** All files of `releases/` at exactly that revision. Fault `revision_unknown` when it is not there. */
  read(revision: Revision): Promise<SourceTree>;
  /** False when history was rewritten; a plain folder has no history and always says true. */
  descends(revision: Revision, ancestor: Revision): Promise<boolean>;
  /**
   * What the branch would hold if `head` were merged into `base`, as Git merges, without a commit; `conflict` when
   * files of `releases/` cannot be merged. Only a repository has it (Git 2.38 or newer).
   */
  merged?(base: Revision, head: Revision): Promise<SourceTree | 'conflict'>;
  /** Versions of rollout.yaml along first parents, newest first, starting at `revision`; a folder yields one. */
  rolloutHistory(revision: Revision): AsyncIterable<RolloutVersion>;
  /** Calls back on a hint that something may have changed; returns the way to stop. */
  watch(onHint: () => void): Promise<() => Promise<void>>;
}

// ---------------------------------------------------------------- store: desired state

export interface Applied {
  readonly revision: Revision;
  readonly treeHash: string;
  readonly appliedAtMs: number;
  readonly state: DesiredState;
  readonly clock: RampClock;
  /** Every build ever applied whose file is gone. */
  readonly formerBuilds: ReadonlyMap<BuildId, Build>;
}

export interface Attempted {
  readonly revision: Revision;
  readonly attemptedAtMs: number;
  /** Empty when the attempt was applied. */
  readonly problems: readonly Problem[];
}

/** A promised effect, committed with the change that caused it. `key` makes it idempotent: the newest row of a key wins. */
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

export interface AuditEntry {
  readonly atMs: number;
  /** `git:<revision>` for merges, `admin:<token name>` for operators. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: unknown;
}

export interface DesiredStore {
  applied(): Promise<Applied | undefined>;
  attempted(): Promise<Attempted | undefined>;
  /** One transaction: state, builds, audit rows and outbox rows, and the attempt without problems. */
  apply(next: Applied, audit: readonly AuditEntry[], outbox: readonly OutboxEntry[]): Promise<void>;
  /** Last good stands: records the attempt and, in the same transaction, what must be told about it. */
  reject(attempt: Attempted, outbox: readonly OutboxEntry[]): Promise<void>;
  /** The same tree at a newer commit: only the revision moves. */
  advance(revision: Revision, atMs: number): Promise<void>;
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
}

export interface AuditStore {
  record(entry: AuditEntry): Promise<void>;
  list(page: { beforeId?: number | undefined; limit: number }): Promise<(AuditEntry & { id: number })[]>;
}

// ---------------------------------------------------------------- store: devices

/** What every check needs, held in memory for all enrolled devices. */
export interface DeviceAuth {
  /** The newest generation handed out. */
  readonly generation: number;
  /** Until when the generation before it is still accepted; 0: it is not. */
  readonly previousUntilMs: number;
  readonly revoked: boolean;
  readonly tags: readonly string[];
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
  readonly tags: readonly string[];
  /** Imported bearer token of another system, as its SHA-256. */
  readonly tokenSha256?: Sha256 | undefined;
}

export interface DeviceStore {
  /** Synchronous, from memory: the update check never waits for the database. */
  auth(deviceId: DeviceId): DeviceAuth | undefined;
  /** Devices imported with a token of another system; undefined once that token's generation is no longer accepted. */
  deviceOfToken(tokenSha256: Sha256): DeviceId | undefined;
  /**
   * Inserts or, for a known id, updates tags (a revoked device stays revoked); one transaction, one answer per id.
   * Returns each device's generation: an erased id that is enrolled again never reuses one.
   * Fault `token_taken` when an imported token belongs to another device.
   */
  enrol(
    devices: readonly NewDevice[],
    atMs: number,
  ): Promise<{ deviceId: DeviceId; generation: number; created: boolean }[]>;
  get(deviceId: DeviceId): Promise<DeviceRow | undefined>;
  list(page: { after?: DeviceId | undefined; limit: number; tag?: string | undefined }): Promise<DeviceRow[]>;
  setTags(deviceId: DeviceId, tags: readonly string[]): Promise<boolean>;
  /**
   * Next generation; the one before stays valid until `previousUntilMs` or the new one's first use (0: dies at once).
   * While an earlier grace runs unconfirmed, the generation already handed out is returned again, so that a lost
   * answer locks nobody out. Undefined for an unknown or revoked device.
   */
  rotate(deviceId: DeviceId, previousUntilMs: number): Promise<number | undefined>;
  /** The new generation was used: the one before is dead from now on. Fire and forget, idempotent. */
  confirmGeneration(deviceId: DeviceId, generation: number): void;
  revoke(deviceId: DeviceId, atMs: number): Promise<boolean>;
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

// ---------------------------------------------------------------- store: outcomes and downloads

export interface Report {
  readonly deviceId: DeviceId;
  readonly requestId: string;
  readonly buildId: BuildId;
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  readonly detail: string | undefined;
  readonly versionCode: number;
  readonly timingsMs: Readonly<Record<string, number>> | undefined;
  readonly atMs: number;
}

export interface DownloadEvent {
  readonly deviceId: DeviceId;
  readonly buildId: BuildId;
  readonly requestId: string | undefined;
  /** `ok`, or the code of the failure. */
  readonly result: string;
  readonly status: number;
  readonly bytes: number;
  readonly atMs: number;
}

/** Attempts by where they stand now: one that was deferred and then ended counts by its end alone. */
export interface OutcomeCounts {
  readonly ok: number;
  /** Those `ok` that a later check confirmed: only these are adoption (SPEC §5). */
  readonly confirmed: number;
  readonly fail: number;
  readonly deferred: number;
  readonly skipped: number;
  readonly verifyFail: number;
  /** Final failures and deferrals by reason. */
  readonly reasons: readonly {
    readonly outcome: Outcome;
    readonly reason: ResultReason;
    readonly attempts: number;
  }[];
}

export interface OutcomeStore {
  /**
   * Committed when it resolves; an attempt is `(deviceId, requestId, buildId)`. `repeated`: the same final outcome
   * again; `conflict`: a different one stands. `outbox` is committed with it, and only when it is `recorded`.
   */
  report(report: Report, outbox?: readonly OutboxEntry[]): Promise<'recorded' | 'repeated' | 'conflict'>;
  counts(buildId: BuildId, sinceMs?: number): Promise<OutcomeCounts>;
  recordDownload(event: DownloadEvent): Promise<void>;
  /** Downloads of one device and build that sent bytes (200, 206) since a moment: the cap. */
  downloads(deviceId: DeviceId, buildId: BuildId, sinceMs: number): Promise<number>;
  downloadStats(buildId: BuildId): Promise<{ downloads: number; bytes: number; fails: number }>;
  /** Newest first, for `explain`. */
  history(deviceId: DeviceId, limit: number): Promise<{ reports: Report[]; downloads: DownloadEvent[] }>;
  /** Retention, in small batches: reports, audit, adoption samples and given-up effects by the first moment. */
  prune(eventsBeforeMs: number, downloadsBeforeMs: number): Promise<void>;
}

// ---------------------------------------------------------------- store: adoption history and small facts

/** How many of the active devices ran a build at a moment; written when the whole percent changes. */
export interface AdoptionSample {
  readonly revision: Revision;
  readonly buildId: BuildId;
  readonly atMs: number;
  readonly active: number;
  readonly running: number;
}

export interface AdoptionStore {
  add(sample: AdoptionSample): Promise<void>;
  /** Oldest first. */
  series(buildId: BuildId, sinceMs: number): Promise<AdoptionSample[]>;
}

/** Small facts that must outlive a restart: ids of comments, deliveries already seen. An expired key is absent. */
export interface KeyValueStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAtMs?: number): Promise<void>;
  /** True when the key was absent and now is set: the first of several wins. */
  claim(key: string, value: string, expiresAtMs?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}

// ---------------------------------------------------------------- store: operators

export interface AdminToken {
  readonly name: string;
  readonly scopes: readonly AdminScope[];
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
}

/** `read`: look; `devices`: enrol and manage; `artifacts`: upload; `reconcile`: wake and accept; `metrics`: scrape; `admin`: all, and tokens. */
export const ADMIN_SCOPES = ['read', 'devices', 'artifacts', 'reconcile', 'metrics', 'admin'] as const;
export type AdminScope = (typeof ADMIN_SCOPES)[number];

export interface AdminStore {
  /** By SHA-256 of the presented token; tokens themselves are never stored. */
  find(tokenSha256: Sha256): Promise<AdminToken | undefined>;
  /** A revoked or expired token's name may be used again. Fault `token_name_taken` otherwise. */
  create(token: Omit<AdminToken, 'revokedAtMs'>, tokenSha256: Sha256): Promise<void>;
  list(): Promise<AdminToken[]>;
  revoke(name: string, atMs: number): Promise<boolean>;
}

// ---------------------------------------------------------------- artifacts

export interface ArtifactUpload {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

export interface Artifacts {
  /** Streams to a temporary file, checks length and hash, fsyncs, renames. Faults: `sha256_mismatch`, `too_large`, `quota_exceeded`, `disk_full`. */
  put(
    sha256: Sha256,
    body: AsyncIterable<Buffer>,
    maxBytes: number,
  ): Promise<ArtifactUpload & { created: boolean }>;
  /** Absolute path of a stored APK for streaming; undefined when it is not there. */
  path(sha256: Sha256): Promise<string | undefined>;
  has(sha256: Sha256): Promise<boolean>;
  list(): Promise<{ sha256: Sha256; sizeBytes: number; storedAtMs: number }[]>;
  /** Deletes what no name in `keep` refers to and is older than `olderThanMs`. */
  collect(keep: ReadonlySet<Sha256>, storedBeforeMs: number): Promise<Sha256[]>;
  usedBytes(): Promise<number>;
}

// ---------------------------------------------------------------- the living picture

/** Holds the one snapshot that checks read; `reconcile` alone publishes. */
export interface Picture {
  /** Undefined until the first revision was applied: checks answer 503. */
  readonly snapshot: Snapshot | undefined;
}

/** Wall time that decisions may trust, Unix ms: it stands still after a jump of over 5 minutes (SPEC §2). */
export interface Clock {
  nowMs(): number;
}

export interface ReconcileStatus {
  readonly appliedRevision: Revision | undefined;
  readonly appliedAtMs: number | undefined;
  readonly attemptedRevision: Revision | undefined;
  readonly problems: readonly Problem[];
  /** When the source was last read successfully. */
  readonly sourceReadAtMs: number | undefined;
  /** Code of the last failure to reach the source; undefined while it can be reached. */
  readonly sourceFault: string | undefined;
  readonly clockHeld: boolean;
}

/** What HTTP may ask of the loop. */
export interface Reconciler {
  wake(reason: 'timer' | 'file' | 'webhook' | 'operator' | 'start'): void;
  /** One whole pass; resolves when it has ended. `acceptRewrite`: an operator accepts this rewritten head. */
  run(options?: { acceptRewrite?: Revision }): Promise<ReconcileStatus>;
  status(): ReconcileStatus;
}

// ---------------------------------------------------------------- webhook

/** A delivery as it came, bounded to 1 MiB and not yet trusted. */
export interface WebhookDelivery {
  /** `X-GitHub-Delivery`. */
  readonly deliveryId: string;
  /** `X-GitHub-Event`. */
  readonly name: string;
  /** `X-Hub-Signature-256`; empty when the header is missing. */
  readonly signature: string;
  /** The raw bytes the signature is over. */
  readonly body: Buffer;
}

/** Authenticates by HMAC alone and only hints that something may have changed; emits `ota.webhook` itself. */
export type Webhook = (
  delivery: WebhookDelivery,
) => Promise<'accepted' | 'duplicate' | 'ignored' | 'bad_signature'>;

// ---------------------------------------------------------------- proposals

/** A validated change on its way to a branch and a pull request. */
export interface Proposal {
  /** The repository's root, absolute. */
  readonly root: string;
  /** The commit that the change was computed on and must stand on: what {@link Proposals.base} named. */
  readonly base: Revision;
  /** New texts by path in the repository, with forward slashes: whole contents, so that nothing can conflict. */
  readonly files: ReadonlyMap<string, string>;
  /** The commit's subject and the pull request's title. */
  readonly title: string;
  readonly reason: string | undefined;
  readonly plan: Plan;
  /** Counts of the enrolled fleet, where the controller told. */
  readonly fleet: FleetPlan | undefined;
  readonly warnings: readonly string[];
}

export interface Proposals {
  /** Fetches, and names the newest commit of the branch that governs. Faults say what to check. */
  base(root: string): Promise<Revision>;
  /** Pushes a branch and opens a pull request for it; `url` undefined when no GitHub is set up. */
  open(proposal: Proposal): Promise<{ readonly branch: string; readonly url: string | undefined }>;
}

// ---------------------------------------------------------------- push

export interface PushMessage {
  readonly pushToken: string;
  /** All values are strings: the data of an FCM data message. */
  readonly data: Readonly<Record<string, string>>;
  readonly ttlMs: number;
  readonly collapseKey: string;
}

export type PushResult =
  | { readonly result: 'sent' }
  /** The token is dead, wrong, or of another sender: it will never work. */
  | { readonly result: 'unregistered' | 'invalid' | 'sender_mismatch'; readonly code: string }
  /** Quota, outage or network: later. */
  | { readonly result: 'retry'; readonly code: string };

export interface Pusher {
  /** At most 500 messages; results in the order of the messages; never rejects for what one message met. */
  send(messages: readonly PushMessage[]): Promise<readonly PushResult[]>;
}
