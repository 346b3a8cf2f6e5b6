/** What devices reported and what was sent to them. */

import type { FinalOutcomes } from '../domain/failure-spike.ts';
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
  /** True if the whole requested range was sent and it included the last byte of the build. */
  readonly lastByte: boolean;
  /** Counts against the daily cap instead of `bytes` when the object store sends the bytes. */
  readonly charged?: number | undefined;
}

/**
 * Devices by their newest final outcome of a build, or by their newest other outcome if none is final. A device that fails
 * ten times is one failure. A device that has run the build since its failure counts as `ok`, as it does for a gate.
 */
export interface OutcomeCounts {
  readonly ok: number;
  /** The part of `ok` that a later check confirmed. Only these count as adoption (SPEC §5). */
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
  /** Number of such reports. */
  readonly attempts: number;
}

export interface Written {
  /** `repeated`: the same final outcome again; `conflict`: a different one is already recorded. */
  readonly verdict: 'recorded' | 'repeated' | 'conflict';
  /** True if this is the device's first attempt at this build with this outcome. */
  readonly first: boolean;
  /** Times of the device's newest `ok` reports of this build, Unix ms, newest first. The list may be cut. */
  readonly installsMs: readonly number[];
}

/** A device that installs one build again and again (`REPEATED_INSTALLS`). */
export interface RepeatedInstalls {
  readonly buildId: BuildId;
  readonly installs: number;
  readonly firstAtMs: number;
}

/** Counts devices, not attempts: each once, by its newest report, and only while it does not run the build. */
export interface Trouble {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  /** Undefined if the device did not report it. */
  readonly sdk: number | undefined;
  readonly devices: number;
}

export interface OutcomeStore {
  /** Devices that failed or deferred this build and do not run it. Reads every such report: for a timer, not for a request. */
  troubles(build: { readonly buildId: BuildId; readonly versionCode: number }): Promise<Trouble[]>;
  /**
   * The report is committed when the promise resolves. An attempt is `(deviceId, requestId, buildId)`. `outbox` is committed
   * in the same transaction, and only if the verdict is `recorded`.
   */
  report(report: Report, outbox?: readonly OutboxEntry[]): Promise<Written>;
  counts(buildId: BuildId, sinceMs?: number): Promise<OutcomeCounts>;
  /** Builds that the device has installed too often since this time. */
  repeatedInstalls(deviceId: DeviceId, sinceMs: number): Promise<RepeatedInstalls[]>;
  /** Devices by their newest final outcome of this build, if it was reported since this time. */
  endings(buildId: BuildId, sinceMs: number): Promise<FinalOutcomes>;
  recordDownload(event: DownloadEvent): Promise<void>;
  /**
   * Called when the device asks whether an offer is still valid. If it was redirected to the object store in the same
   * attempt, it has the APK by now, so it took the build at this time. Fire and forget, idempotent.
   */
  confirmDownload(
    attempt: Pick<DownloadEvent, 'deviceId' | 'buildId' | 'atMs'> & { requestId: string },
  ): void;
  /**
   * Bytes of a build that were sent to a device since this time, in finished and unfinished downloads. If they are `maxBytes`
   * or more, `belowFromMs` is the time of the event that has to expire before the sum is below `maxBytes` again.
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
  /** Retention, in small batches. `eventsBeforeMs` applies to reports, audit, adoption samples and given-up effects. */
  prune(eventsBeforeMs: number, downloadsBeforeMs: number): Promise<void>;
}

export interface CountedTroubles {
  readonly buildId: BuildId;
  readonly atMs: number;
  readonly troubles: readonly Trouble[];
}

export interface TroubleSource {
  /** The last count; undefined if this build was not counted yet. */
  last(buildId: BuildId): CountedTroubles | undefined;
}
