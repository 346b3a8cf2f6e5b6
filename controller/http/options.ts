/** What the HTTP face is built from: ports, secrets, and plain settings with their defaults. */
import type { Observe } from '../domain/event.ts';
import type { BuildId } from '../domain/ids.ts';
import type {
  AdminStore,
  Artifacts,
  AuditStore,
  Clock,
  DeviceStore,
  OutcomeStore,
  Picture,
  Reconciler,
  Webhook,
} from '../ports/index.ts';
import type { TokenKeys } from './device-token.ts';

export interface HttpPorts {
  readonly picture: Picture;
  readonly clock: Clock;
  readonly devices: DeviceStore;
  readonly outcomes: OutcomeStore;
  readonly admins: AdminStore;
  readonly audit: AuditStore;
  readonly artifacts: Artifacts;
  readonly reconciler: Reconciler;
}

export interface HttpSettings {
  /** What devices reach the controller as, without a trailing slash; download URLs are built from it. */
  readonly publicUrl: string;
  /** Seconds of Strict-Transport-Security; 0 sends none. */
  readonly hstsMaxAgeS: number;
  readonly pollIntervalS: number;
  /** How far agents should spread around the interval, either way. */
  readonly pollJitterS: number;
  /** Devices that checked within this time are active. */
  readonly activeWithinMs: number;
  /** A trusted proxy is in front: the client's address is the last of X-Forwarded-For. */
  readonly trustedProxy: boolean;
  /** `/metrics` without a token: only for a listener that nobody else reaches. */
  readonly openMetrics: boolean;
  /** Answer the update check ahead of Koa; false only to compare both ways. */
  readonly fastCheck: boolean;
  readonly checksPerMinute: number;
  /** All other requests of one device. */
  readonly requestsPerMinute: number;
  /** Failed authentications per address; valid tokens from the same address are never held back. */
  readonly authFailuresPerMinute: number;
  readonly jsonMaxBytes: number;
  readonly importMaxBytes: number;
  readonly importMaxRows: number;
  readonly artifactMaxBytes: number;
  readonly webhookMaxBytes: number;
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
  /** A download whose receiver takes nothing for so long is given up. */
  readonly stallMs: number;
}

export const HTTP_DEFAULTS: Omit<HttpSettings, 'publicUrl'> = {
  hstsMaxAgeS: 0,
  pollIntervalS: 21_600,
  pollJitterS: 2_160,
  activeWithinMs: 72 * 3_600_000,
  trustedProxy: false,
  openMetrics: false,
  fastCheck: true,
  checksPerMinute: 30,
  requestsPerMinute: 120,
  authFailuresPerMinute: 60,
  jsonMaxBytes: 65_536,
  importMaxBytes: 32 * 1_048_576,
  importMaxRows: 100_000,
  artifactMaxBytes: 512 * 1_048_576,
  webhookMaxBytes: 1_048_576,
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
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** At most two: the first signs, both verify. */
  readonly tokenKeys: TokenKeys;
  /** Master key of nudges, 32 bytes. */
  readonly nudgeMaster: Uint8Array;
  /** Declared now or formerly: results about it are taken. */
  readonly knownBuild: (buildId: BuildId) => boolean;
  /** Absent: the webhook route answers 503. */
  readonly webhook?: Webhook | undefined;
  readonly settings: Partial<HttpSettings> & Pick<HttpSettings, 'publicUrl'>;
  /** Monotonic ms for limits and durations; it must not stand still with a held wall clock. */
  readonly monotonicMs?: () => number;
  readonly randomBytes?: (size: number) => Buffer;
}

/** The same with nothing left open; what the parts of this folder take. */
export interface Http extends Omit<HttpOptions, 'settings' | 'monotonicMs' | 'randomBytes'> {
  readonly settings: HttpSettings;
  readonly monotonicMs: () => number;
  readonly randomBytes: (size: number) => Buffer;
}
