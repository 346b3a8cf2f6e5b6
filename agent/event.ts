/** Events that the agent logs and counts, as one closed union (names as in SPEC §9). Never contains a token or key. */
import type { HoldReason } from '../controller/domain/decision.ts';
import type { BuildId } from '../controller/domain/ids.ts';
import type { NudgeVerdict } from '../controller/domain/nudge/message.ts';
import type { Outcome, ResultReason } from '../controller/domain/outcome.ts';
import type { DeferReason } from './constraints.ts';

export type Trigger = 'start' | 'poll' | 'nudge' | 'manual';
type OfBuild = { readonly requestId: string; readonly buildId: BuildId };
export type NudgeRefusal =
  | Extract<NudgeVerdict, { ok: false }>['code']
  | 'no_key'
  | 'flood'
  | 'before_recovery';

export type AgentEvent =
  | { readonly type: 'ota.check'; readonly requestId: string; readonly trigger: Trigger }
  | {
      readonly type: 'ota.check.fail';
      readonly requestId: string;
      readonly code: string;
      readonly retryInMs: number;
    }
  | {
      readonly type: 'ota.hold';
      readonly requestId: string;
      readonly reason: HoldReason | 'none';
      readonly versionCode: number;
    }
  | ({ readonly type: 'ota.eligible'; readonly versionCode: number; readonly eligibleBy: string } & OfBuild)
  | {
      readonly type: 'ota.ineligible.cohort';
      readonly requestId: string;
      readonly buildId: BuildId | undefined;
    }
  | ({ readonly type: `ota.defer.${DeferReason}`; readonly unknown: boolean } & OfBuild)
  | ({ readonly type: 'ota.defer.signer'; readonly unknown: boolean } & OfBuild)
  | ({ readonly type: 'ota.defer.penalty'; readonly leftMs: number } & OfBuild)
  | ({ readonly type: 'ota.download.start'; readonly fromByte: number } & OfBuild)
  | ({ readonly type: 'ota.download.ok'; readonly bytes: number; readonly ms: number } & OfBuild)
  | ({
      readonly type: 'ota.download.fail';
      readonly reason: ResultReason;
      readonly detail: string;
      readonly final: boolean;
    } & OfBuild)
  | ({ readonly type: 'ota.download.wait'; readonly retryInMs: number; readonly status: number } & OfBuild)
  | {
      readonly type: 'ota.verify.fail';
      readonly requestId: string;
      readonly buildId: BuildId | undefined;
      readonly reason: ResultReason;
      readonly detail: string;
    }
  | ({ readonly type: 'ota.verify.wait'; readonly detail: string } & OfBuild)
  | ({ readonly type: 'ota.verify.ok'; readonly ms: number } & OfBuild)
  | ({
      readonly type: 'ota.install.start';
      readonly versionCode: number;
      readonly downgrade: boolean;
    } & OfBuild)
  | ({ readonly type: 'ota.install.ok'; readonly versionCode: number; readonly ms: number } & OfBuild)
  | ({ readonly type: 'ota.install.fail'; readonly reason: ResultReason; readonly detail: string } & OfBuild)
  | ({ readonly type: 'ota.attempt.end'; readonly outcome: Outcome; readonly reason: ResultReason } & OfBuild)
  | ({
      readonly type: 'ota.report';
      readonly outcome: Outcome;
      readonly reason: ResultReason;
      readonly result: 'accepted' | 'refused' | 'failed';
      readonly detail: string;
    } & OfBuild)
  | ({ readonly type: 'ota.nudge' } & OfBuild)
  | { readonly type: 'ota.nudge.ignored'; readonly code: NudgeRefusal }
  | { readonly type: 'ota.token.renewed' }
  | { readonly type: 'ota.token.fail'; readonly code: string }
  | { readonly type: 'ota.clock.corrected'; readonly offsetMs: number }
  | { readonly type: 'ota.push.registered' }
  | { readonly type: 'ota.push.fail'; readonly code: string }
  | { readonly type: 'ota.state.recovered'; readonly from: 'previous' | 'nothing' }
  | { readonly type: 'ota.state.fail'; readonly code: string }
  | { readonly type: 'ota.internal'; readonly code: string; readonly message: string };

export type AgentEventType = AgentEvent['type'];
/** An agent's local counters, one per event type. */
export type Counters = Partial<Record<AgentEventType, number>>;
