/** What devices reported and what was sent to them. */

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
