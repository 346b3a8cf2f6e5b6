/** Events about one device or its nudges: checks, downloads, results, tokens. Part of the union in `event.ts`. */
import type { EligibleBy, HoldReason } from './decision.ts';
import type { BuildId, DeviceId, Revision } from './ids.ts';
import type { RecordedOutcome } from './outcome.ts';

export type DeviceEvent =
  | {
      readonly type: 'ota.manifest.200';
      revision: Revision;
      deviceId: DeviceId;
      requestId: string | undefined;
      buildId: BuildId;
      eligibleBy: EligibleBy;
      versionCode: number;
      /** The same attempt asked again, as an agent does before it installs: counted apart from new offers. */
      repeated: boolean;
    }
  | {
      readonly type: 'ota.manifest.304';
      revision: Revision;
      deviceId: DeviceId;
      requestId: string | undefined;
      reason: HoldReason;
      versionCode: number;
      /** 304 when the agent named the hold's ETag, else 204. */
      status: 204 | 304;
    }
  | {
      readonly type: 'ota.download.200';
      deviceId: DeviceId;
      requestId: string | undefined;
      buildId: BuildId;
      status: 200 | 206 | 307;
      bytes: number;
      ms: number;
    }
  | {
      /** The device has these bytes already: nothing was sent. */
      readonly type: 'ota.download.304';
      deviceId: DeviceId;
      requestId: string | undefined;
      buildId: BuildId;
    }
  | {
      readonly type: 'ota.download.fail';
      deviceId: DeviceId;
      requestId: string | undefined;
      buildId: BuildId;
      code: string;
      bytes: number;
    }
  | {
      readonly type: 'ota.result';
      deviceId: DeviceId;
      requestId: string;
      buildId: BuildId;
      outcome: RecordedOutcome;
      reason: string;
      versionCode: number;
      /** The same final report again: logged, not counted. */
      repeated: boolean;
      /** The device's first attempt at this build that ended this way. */
      first: boolean;
    }
  | {
      /** A device installs the same build again and again (`REPEATED_INSTALLS`); told once each time it begins. */
      readonly type: 'ota.install.repeated';
      deviceId: DeviceId;
      buildId: BuildId;
      installs: number;
      /** From the first of them to the last. */
      withinMs: number;
    }
  | {
      /** After a restore: a device brought a token that was issued since the backup. */
      readonly type: 'ota.token.adopted';
      deviceId: DeviceId;
      generation: number;
    }
  | {
      readonly type: 'ota.nudge.campaign';
      campaignId: string;
      revision: Revision;
      buildId: BuildId;
      state: 'started' | 'resumed' | 'done' | 'superseded' | 'stopped' | 'expired';
      sent: number;
    }
  | {
      readonly type: 'ota.nudge';
      deviceId: DeviceId;
      requestId: string | undefined;
      buildId: BuildId;
      result: NudgeResult;
      /** The push service's reason for a `retry`. */
      code: string | undefined;
    }
  | {
      /** It will never arrive: the token is dead, refused or another sender's, or an hour of trying is over. */
      readonly type: 'ota.nudge.fail';
      deviceId: DeviceId;
      requestId: string | undefined;
      buildId: BuildId;
      result: NudgeResult;
      code: string;
    }
  | { readonly type: 'ota.nudge.off'; reason: string };

export const NUDGE_RESULTS = [
  'sent',
  'unregistered',
  'invalid',
  'sender_mismatch',
  'retry',
  'gave_up',
] as const;
export type NudgeResult = (typeof NUDGE_RESULTS)[number];
