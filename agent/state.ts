/**
 * The agent's complete state.
 * All times are Unix ms corrected by the controller's `Date`; everything here survives JSON.
 */
import type { BuildId, DeviceId } from '../controller/domain/ids.ts';
import type { Outcome, ResultReason } from '../controller/domain/outcome.ts';
import { DEFAULT_PACE, type PollPace } from './backoff.ts';
import type { Trigger } from './event.ts';
import type { Offer } from './offer.ts';
import type { Penalty } from './penalty.ts';

/** One attempt of this device at one build (SPEC §1). */
export interface Attempt {
  readonly requestId: string;
  readonly offer: Offer;
  readonly trigger: Trigger;
  /** The version that ran when the attempt began. */
  readonly fromVersionCode: number;
  /** When the controller last confirmed this offer. */
  readonly checkedAtMs: number;
  readonly downloadTries: number;
  readonly installTries: number;
  /** Deferral reasons already reported to the controller, each once. */
  readonly toldReasons: readonly ResultReason[];
  readonly timingsMs: Readonly<Record<string, number>>;
}

export interface Ask {
  readonly requestId: string;
  readonly trigger: Trigger;
  /** The build that a nudge named; such a nudge is answered even if there is nothing to do. */
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
  /** Counts phase changes; results of effects from an older epoch are ignored. */
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
  /** ETag of the last hold, and the version it was given for. */
  readonly hold: { readonly etag: string; readonly versionCode: number } | undefined;
  /** When the present offer was first seen; `deadline_s` counts from here. */
  readonly firstSeen: { readonly buildId: BuildId; readonly atMs: number } | undefined;
  readonly penalties: readonly Penalty[];
  /** Nudges accepted within the replay window. */
  readonly seenNudges: readonly { readonly requestId: string; readonly atMs: number }[];
  /** After a lost state nudges issued earlier are refused, because they may be replays. */
  readonly nudgeFloorMs: number;
  /** The build this agent last put on the device. */
  readonly installed: { readonly buildId: BuildId; readonly versionCode: number } | undefined;
  /** Controller time minus wall time, from the last response. */
  readonly clockOffsetMs: number;
  /**
   * State of a token renewal that the controller asked for: `drawn` waits for a random delay, `due` waits for the present
   * attempt to end.
   */
  readonly renewal: 'drawn' | 'due' | 'under_way' | undefined;
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
  renewal: undefined,
  pushTokenSha256: undefined,
});
