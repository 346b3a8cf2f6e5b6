/** Input of the state machine: results of effects, requests, and changes on the device. */
import type { HoldReason } from '../controller/domain/decision.ts';
import type { BuildId } from '../controller/domain/ids.ts';
import type { Outcome, ResultReason } from '../controller/domain/outcome.ts';
import type { PollPace } from './backoff.ts';
import type { NudgeRefusal } from './event.ts';
import type { Offer } from './offer.ts';
import type { Conditions, Installed, InstallResult } from './readings.ts';

/** How the controller answered an update check. */
export type CheckAnswer =
  | { readonly kind: 'offer'; readonly offer: Offer; readonly pace: PollPace }
  | {
      readonly kind: 'hold';
      readonly reason: HoldReason | 'none';
      readonly etag: string | undefined;
      readonly pace: PollPace | undefined;
    }
  | {
      readonly kind: 'invalid';
      readonly reason: 'manifest_invalid' | 'url_refused';
      readonly detail: string;
      readonly buildId: BuildId | undefined;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly retryAfterMs: number | undefined };

/** The answer to a check, with the device's readings right after it. */
export interface Checked {
  readonly answer: CheckAnswer;
  readonly conditions: Conditions | undefined;
  readonly installed: Installed;
  /** The controller asks this device to renew its token (`Ota-Token: renew`). */
  readonly renewToken: boolean;
}

export type DownloadResult =
  | { readonly kind: 'done'; readonly bytes: number; readonly ms: number }
  /** Trying again may help. */
  | {
      readonly kind: 'broken';
      readonly reason: ResultReason;
      readonly detail: string;
      readonly retryAfterMs: number | undefined;
    }
  /** The server is busy: wait, and do not count it. */
  | { readonly kind: 'busy'; readonly status: number; readonly retryAfterMs: number | undefined }
  /** The controller no longer offers this build. */
  | { readonly kind: 'gone'; readonly detail: string }
  /** Trying again cannot help. */
  | { readonly kind: 'refused'; readonly reason: ResultReason; readonly detail: string };

export type VerifyResult =
  | { readonly ok: true; readonly ms: number }
  /** `unreadable`: the device could not be read; try again. */
  | { readonly ok: false; readonly reason: ResultReason | 'unreadable'; readonly detail: string };

/** The time of a fact and a random number for its handling: `step` itself has neither clock nor randomness. */
export interface Moment {
  readonly atMs: number;
  readonly random: number;
  readonly uuid: string;
}

export type Fact = { readonly at: Moment } & (
  | {
      readonly type: 'started';
      readonly installed: Installed;
      readonly state: 'none' | 'kept' | 'recovered' | 'lost';
    }
  | { readonly type: 'asked'; readonly trigger: 'poll' | 'manual' }
  | { readonly type: 'nudged'; readonly requestId: string; readonly buildId: BuildId }
  | { readonly type: 'nudge_refused'; readonly code: NudgeRefusal }
  /** The phase's own timer. */
  | { readonly type: 'retry_due'; readonly epoch: number }
  | { readonly type: 'report_due' }
  | { readonly type: 'conditions_changed' }
  | { readonly type: 'observed'; readonly conditions: Conditions; readonly installed: Installed }
  | ({ readonly type: 'checked'; readonly epoch: number } & Checked)
  | { readonly type: 'downloaded'; readonly epoch: number; readonly result: DownloadResult }
  | { readonly type: 'verified'; readonly epoch: number; readonly result: VerifyResult }
  | {
      readonly type: 'installed';
      readonly epoch: number;
      readonly result: InstallResult;
      readonly installed: Installed;
      readonly ms: number;
    }
  /** An effect threw: a bug of ours or a failure of the platform. */
  | { readonly type: 'broke'; readonly epoch: number; readonly code: string; readonly message: string }
  | {
      readonly type: 'reported';
      readonly requestId: string;
      readonly outcome: Outcome;
      readonly result: ReportResult;
    }
  /** The random delay before the token's renewal is over. */
  | { readonly type: 'renewal_due' }
  | { readonly type: 'renewed'; readonly result: RenewalResult }
  | { readonly type: 'corrected'; readonly clockOffsetMs: number }
  | { readonly type: 'push_registered'; readonly sha256: string }
);

export type ReportResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string; readonly retryAfterMs: number | undefined };

/** `kept`: the new token and nudge key are on disk, and used from now on. */
export type RenewalResult = { readonly kind: 'kept' } | { readonly kind: 'failed'; readonly code: string };
