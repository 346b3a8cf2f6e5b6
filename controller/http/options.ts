/** What the HTTP face needs: ports, secrets, and settings with their defaults. */
import { DAY_MS, HOUR_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import type { BuildId } from '../domain/ids.ts';
import type { TokenKeys } from '../domain/token-key.ts';
import type {
  AdminStore,
  AdviceSource,
  ApkLinks,
  ApprovalSource,
  Artifacts,
  ArtifactUseSource,
  AuditStore,
  Brake,
  BuildExaminer,
  DatabaseReach,
  DeviceStore,
  FailureStore,
  HealthSource,
  HeldClock,
  HistoryStore,
  Notifier,
  OutcomeStore,
  PageFace,
  PastSource,
  Picture,
  ProgressSource,
  Reconciler,
  ShowToken,
  Webhook,
} from '../ports/index.ts';
import { type Pace, UPLOAD } from './body.ts';
import type { CatchUp } from './catch-up.ts';

interface HttpPorts {
  readonly picture: Picture;
  /** Undefined with SQLite: no other controller changes anything. */
  readonly feed?: CatchUp;
  /** Undefined with SQLite. */
  readonly database?: DatabaseReach | undefined;
  readonly clock: HeldClock;
  readonly devices: DeviceStore;
  readonly outcomes: OutcomeStore;
  readonly admins: AdminStore;
  readonly audit: AuditStore;
  readonly artifacts: Artifacts;
  /** Undefined if every device gets its APK from this controller. */
  readonly apkLinks?: ApkLinks | undefined;
  readonly artifactUses: ArtifactUseSource;
  readonly examiner: BuildExaminer;
  readonly reconciler: Reconciler;
  readonly progress: Pick<ProgressSource, 'recent'>;
  readonly brake: Brake;
  readonly gate: AdviceSource;
  readonly retrospect: PastSource;
  readonly health: HealthSource;
  readonly history: Pick<HistoryStore, 'list'>;
  /** Undefined without GitHub. */
  readonly approvals: ApprovalSource | undefined;
  readonly failures: FailureStore;
  readonly notifier: Notifier;
}

export interface HttpSettings {
  /** The URL at which devices reach the controller, without a trailing slash. Download URLs are built from it. */
  readonly publicUrl: string;
  /** Seconds of Strict-Transport-Security; 0 sends none. */
  readonly hstsMaxAgeS: number;
  readonly pollIntervalS: number;
  /** How many seconds an agent may poll earlier or later than the interval. */
  readonly pollJitterS: number;
  /** Devices that checked within this time are active. */
  readonly activeWithinMs: number;
  /** A trusted proxy is in front: the client's address is the last entry of X-Forwarded-For. */
  readonly trustedProxy: boolean;
  /** Serve `/metrics` without a token: only for a listener that strangers cannot reach. */
  readonly openMetrics: boolean;
  /** Answer the update check ahead of Koa; false only to compare both ways. */
  readonly fastCheck: boolean;
  readonly checksPerMinute: number;
  /** A token of this age is renewed. */
  readonly tokenRenewAfterMs: number;
  /** The number of devices asked per minute to renew their token. */
  readonly tokenRenewalsPerMinute: number;
  /** Requests of one device, not counting update checks. */
  readonly requestsPerMinute: number;
  /** Failed authentications per address. Valid tokens from that address are never refused for it. */
  readonly authFailuresPerMinute: number;
  readonly jsonMaxBytes: number;
  readonly importMaxBytes: number;
  readonly importMaxRows: number;
  readonly artifactMaxBytes: number;
  readonly webhookMaxBytes: number;
  /** Memory for webhook bodies of all senders together. */
  readonly webhookTotalBytes: number;
  /** How fast a webhook body must come. */
  readonly webhookPace: Pace;
  /** How fast an APK or an import must come. */
  readonly uploadPace: Pace;
  /** Downloads of one device and build within 24 h, resumes included. */
  readonly downloadsPerDay: number;
  /** Downloads of one device at once. */
  readonly downloadsPerDevice: number;
  /** Downloads of the whole fleet at once. */
  readonly maxDownloads: number;
  /** Bytes a second for all downloads; 0 is no limit. */
  readonly downloadBytesPerS: number;
  /** APKs up to this size are held in memory, at most two of them; 0 holds none. */
  readonly memoryApkBytes: number;
  /** A download is given up when its receiver takes nothing for this long. */
  readonly stallMs: number;
}

export const HTTP_DEFAULTS: Omit<HttpSettings, 'publicUrl'> = {
  hstsMaxAgeS: 0,
  pollIntervalS: 21_600,
  pollJitterS: 2_160,
  activeWithinMs: 72 * HOUR_MS,
  trustedProxy: false,
  openMetrics: false,
  fastCheck: true,
  checksPerMinute: 30,
  tokenRenewAfterMs: 180 * DAY_MS,
  tokenRenewalsPerMinute: 600,
  requestsPerMinute: 120,
  authFailuresPerMinute: 60,
  jsonMaxBytes: 65_536,
  importMaxBytes: 32 * 1_048_576,
  importMaxRows: 100_000,
  artifactMaxBytes: 512 * 1_048_576,
  webhookMaxBytes: 1_048_576,
  webhookTotalBytes: 16 * 1_048_576,
  webhookPace: { stallMs: 10_000, totalMs: 10_000 },
  uploadPace: UPLOAD,
  downloadsPerDay: 20,
  downloadsPerDevice: 2,
  maxDownloads: 500,
  downloadBytesPerS: 0,
  memoryApkBytes: 64 * 1_048_576,
  stallMs: 60_000,
};

export interface HttpOptions {
  readonly ports: HttpPorts;
  readonly observe: Observe;
  /** The version of this controller, from `package.json`. */
  readonly version: string;
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** At most two: the first signs, both verify. */
  readonly tokenKeys: TokenKeys;
  /** Master key of nudges, 32 bytes. */
  readonly nudgeMaster: Uint8Array;
  /** True for a build that is or was declared: results for it are accepted. */
  readonly knownBuild: (buildId: BuildId) => boolean;
  /** Absent: the webhook route answers 503. */
  readonly webhook?: Webhook | undefined;
  /** Absent: no pages for people are served. */
  readonly pages?: ((show: ShowToken) => PageFace) | undefined;
  readonly settings: Partial<HttpSettings> & Pick<HttpSettings, 'publicUrl'>;
  /** Monotonic ms for limits and durations. It runs on while the wall clock is held. */
  readonly monotonicMs?: () => number;
  readonly randomBytes?: (size: number) => Buffer;
}

/** {@link HttpOptions} with all defaults filled in. */
export interface Http extends Omit<HttpOptions, 'settings' | 'monotonicMs' | 'randomBytes'> {
  readonly settings: HttpSettings;
  readonly monotonicMs: () => number;
  readonly randomBytes: (size: number) => Buffer;
}
