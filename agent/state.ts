/**
 * The agent's whole memory, the facts that move it and the effects it asks for.
 * All times are Unix ms corrected by the controller's `Date`; everything here survives JSON.
 */
import type { HoldReason } from '../controller/domain/decision.ts';
import type { BuildId, DeviceId } from '../controller/domain/ids.ts';
import type { Outcome, ResultReason } from '../controller/domain/outcome.ts';
import { DEFAULT_PACE, type PollPace } from './backoff.ts';
import type { AgentEvent, NudgeRefusal, Trigger } from './event.ts';
import type { Offer } from './offer.ts';
import type { Penalty } from './penalty.ts';
import type { Conditions, Installed, InstallResult } from './ports.ts';

/** One try of this device at one build (SPEC §1). */
export interface Attempt {
  readonly requestId: string;
  readonly offer: Offer;
  readonly trigger: Trigger;
  /** What ran when the attempt began. */
  readonly fromVersionCode: number;
  /** When the controller last said that this offer stands. */
  readonly checkedAtMs: number;
  readonly downloadTries: number;
  readonly installTries: number;
  /** Deferrals already told to the controller: each reason once. */
  readonly toldReasons: readonly ResultReason[];
  readonly timingsMs: Readonly<Record<string, number>>;
}

export interface Ask {
  readonly requestId: string;
  readonly trigger: Trigger;
  /** The build a nudge named: it gets an answer even when there is nothing to do. */
  readonly nudgedBuildId: BuildId | undefined;
}

export type Phase =
  | { readonly name: 'idle' }
  | { readonly name: 'checking'; readonly ask: Ask; readonly attempt: Attempt | undefined }
  | { readonly name: 'deferred'; readonly attempt: Attempt }
  | { readonly name: 'downloading'; readonly attempt: Attempt }
  | { readonly name: 'verifying'; readonly attempt: Attempt }
  | { readonly name: 'confirming'; readonly attempt: Attempt; readonly tries: number }
  | { readonly name: 'installing'; readonly attempt: Attempt }
  | { readonly name: 'reporting'; readonly requestId: string };
export type PhaseName = Phase['name'];
export const PHASES = [
  'idle',
  'checking',
  'deferred',
  'downloading',
  'verifying',
  'confirming',
  'installing',
  'reporting',
] as const;

/** A report on its way to `POST /v1/action-result`. */
export interface AgentReport {
  readonly requestId: string;
  readonly buildId: BuildId;
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  readonly detail: string | undefined;
  readonly versionCode: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

export interface AgentState {
  readonly schema: 1;
  readonly deviceId: DeviceId;
  /** Counts phase effects: what an older one brings back is ignored. */
  readonly epoch: number;
  readonly phase: Phase;
  /** A trigger that came during an attempt; many become one. */
  readonly pending: Ask | undefined;
  /** Reports not yet accepted, oldest first. */
  readonly unsent: readonly AgentReport[];
  readonly reportTries: number;
  readonly reportInFlight: boolean;
  readonly checkFailures: number;
  readonly pace: PollPace;
  /** ETag of the last hold, and for which version it was given. */
  readonly hold: { readonly etag: string; readonly versionCode: number } | undefined;
  /** First sight of each offer that still stands: what `deadline_s` counts from. */
  readonly firstSeen: { readonly buildId: BuildId; readonly atMs: number } | undefined;
  readonly penalties: readonly Penalty[];
  /** Nudges accepted within the replay window. */
  readonly seenNudges: readonly { readonly requestId: string; readonly atMs: number }[];
  /** After a lost state nudges issued earlier are refused: whether they were seen is not known. */
  readonly nudgeFloorMs: number;
  /** The build this agent last put on the device. */
  readonly installed: { readonly buildId: BuildId; readonly versionCode: number } | undefined;
  /** Controller time minus wall time, from the last response. */
  readonly clockOffsetMs: number;
  /** SHA-256 of the push token the controller knows. */
  readonly pushTokenSha256: string | undefined;
}

export const newState = (deviceId: DeviceId): AgentState => ({
  schema: 1,
  deviceId,
  epoch: 0,
  phase: { name: 'idle' },
  pending: undefined,
  unsent: [],
  reportTries: 0,
  reportInFlight: false,
  checkFailures: 0,
  pace: DEFAULT_PACE,
  hold: undefined,
  firstSeen: undefined,
  penalties: [],
  seenNudges: [],
  nudgeFloorMs: 0,
  installed: undefined,
  clockOffsetMs: 0,
  pushTokenSha256: undefined,
});

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

/** A check with what was read of the device right after it. */
export interface Checked {
  readonly answer: CheckAnswer;
  readonly conditions: Conditions | undefined;
  readonly installed: Installed;
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
  | { readonly ok: false; readonly reason: ResultReason; readonly detail: string };

/** The moment of a fact, and the randomness its handling may use: `step` itself has neither clock nor dice. */
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
  | { readonly type: 'observed'; readonly conditions: Conditions }
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
  /** An effect threw: our own fault or the platform's. */
  | { readonly type: 'broke'; readonly epoch: number; readonly code: string; readonly message: string }
  | {
      readonly type: 'reported';
      readonly requestId: string;
      readonly outcome: Outcome;
      readonly result: ReportResult;
    }
  | { readonly type: 'corrected'; readonly clockOffsetMs: number }
  | { readonly type: 'push_registered'; readonly sha256: string }
);

export type ReportResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string; readonly retryAfterMs: number | undefined };

export type TimerName = 'poll' | 'retry' | 'report';

/** What `step` asks for; performed only after the state that asked for it is durable. */
export type Effect =
  | {
      readonly type: 'check';
      readonly epoch: number;
      readonly ask: Ask;
      readonly etag: { readonly value: string; readonly versionCode: number } | undefined;
    }
  | { readonly type: 'observe' }
  | { readonly type: 'download'; readonly epoch: number; readonly attempt: Attempt }
  | { readonly type: 'verify'; readonly epoch: number; readonly attempt: Attempt }
  | { readonly type: 'install'; readonly epoch: number; readonly attempt: Attempt }
  | { readonly type: 'report'; readonly report: AgentReport }
  | { readonly type: 'discard'; readonly keep: string | undefined }
  | { readonly type: 'abort' }
  | { readonly type: 'timer'; readonly name: TimerName; readonly inMs: number; readonly epoch: number }
  | { readonly type: 'emit'; readonly event: AgentEvent };

export interface Step {
  readonly state: AgentState;
  readonly effects: readonly Effect[];
}
