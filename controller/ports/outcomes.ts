/** What devices reported and what was sent to them. */

import type { Endings } from '../domain/failure-spike.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { Outcome, RecordedOutcome, ResultReason } from '../domain/outcome.ts';
import type { OutboxEntry } from './outbox.ts';

export interface Report {
  readonly deviceId: DeviceId;
  readonly requestId: string;
  readonly buildId: BuildId;
  readonly outcome: RecordedOutcome;
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
  /** All that was asked for was sent, and the last byte of the build with it. */
  readonly lastByte: boolean;
  /** Counts against the daily cap in place of `bytes`: the object store sends them. */
  readonly charged?: number | undefined;
}

/**
 * Devices by their newest final outcome of a build, or by their newest other one where none is final: a device that
 * fails ten times is one failure. One that has run the build since it failed counts as `ok`, as it does for a gate.
 */
export interface OutcomeCounts {
  readonly ok: number;
  /** Those `ok` that a later check confirmed: only these are adoption (SPEC §5). */
  readonly confirmed: number;
  readonly fail: number;
  readonly deferred: number;
  readonly skipped: number;
  readonly verifyFail: number;
  /** Failures and deferrals by reason. */
  readonly reasons: readonly ReasonCount[];
}

export interface ReasonCount {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  readonly devices: number;
  /** How often they have said so. */
  readonly attempts: number;
}

export interface Written {
  /** `repeated`: the same final outcome again; `conflict`: a different one stands. */
  readonly verdict: 'recorded' | 'repeated' | 'conflict';
  /** The device's first attempt at this build that ended this way. */
  readonly first: boolean;
  /** When the device reported its newest `ok`s of this build, Unix ms, newest first; some are enough. */
  readonly installsMs: readonly number[];
}

/** A device that installs one build again and again (`REPEATED_INSTALLS`). */
export interface RepeatedInstalls {
  readonly buildId: BuildId;
  readonly installs: number;
  readonly firstAtMs: number;
}

/** Devices, never attempts: each once, by its newest report, and only while it does not run the build. */
export interface Trouble {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  /** Undefined: it did not say. */
  readonly sdk: number | undefined;
  readonly devices: number;
}

export interface OutcomeStore {
  /** Devices that failed or deferred this build and do not run it. Reads every such report: for a timer, not for a request. */
  troubles(build: { readonly buildId: BuildId; readonly versionCode: number }): Promise<Trouble[]>;
  /**
   * Committed when it resolves; an attempt is `(deviceId, requestId, buildId)`. `outbox` is committed with it, and only
   * when it is `recorded`.
   */
  report(report: Report, outbox?: readonly OutboxEntry[]): Promise<Written>;
  counts(buildId: BuildId, sinceMs?: number): Promise<OutcomeCounts>;
  /** Builds that the device has installed too often since a moment. */
  repeatedInstalls(deviceId: DeviceId, sinceMs: number): Promise<RepeatedInstalls[]>;
  /** Devices by their newest final outcome at this build, of those that ended since a moment. */
  endings(buildId: BuildId, sinceMs: number): Promise<Endings>;
  recordDownload(event: DownloadEvent): Promise<void>;
  /**
   * The device asks whether an offer still stands. If it was sent to the object store in the same attempt, it has the APK by
   * now: it took the build at this moment. Fire and forget, idempotent.
   */
  confirmDownload(
    attempt: Pick<DownloadEvent, 'deviceId' | 'buildId' | 'atMs'> & { requestId: string },
  ): void;
  /**
   * Bytes of a build that were sent to a device since a moment, finished or not. When they are `maxBytes` or more,
   * `belowFromMs` is the time of the event whose bytes have to be forgotten for less to remain.
   */
  sentSince(
    deviceId: DeviceId,
    buildId: BuildId,
    sinceMs: number,
    maxBytes: number,
  ): Promise<{ bytes: number; belowFromMs: number | undefined }>;
  downloadStats(buildId: BuildId): Promise<{ downloads: number; bytes: number; fails: number }>;
  /** Newest first, for `explain`. */
  history(deviceId: DeviceId, limit: number): Promise<{ reports: Report[]; downloads: DownloadEvent[] }>;
  /** Retention, in small batches: reports, audit, adoption samples and given-up effects by the first moment. */
  prune(eventsBeforeMs: number, downloadsBeforeMs: number): Promise<void>;
}

export interface CountedTroubles {
  readonly buildId: BuildId;
  readonly atMs: number;
  readonly troubles: readonly Trouble[];
}

export interface TroubleSource {
  /** As last counted; undefined while this build was not counted yet. */
  last(buildId: BuildId): CountedTroubles | undefined;
}
