/** Options of an agent: its identity, its controller, and its ports. */
import type { Dispatcher } from 'undici';
import type { DeviceId } from '../controller/domain/ids.ts';
import type { AgentEvent } from './event.ts';
import type { ApkFiles, Clock, Credentials, Platform, StateStore } from './ports.ts';
import type { Random } from './random.ts';
import type { step } from './step.ts';
import type { VerdictCache } from './verify.ts';

export interface AgentOptions {
  readonly deviceId: DeviceId;
  /** From `controllerUrl()`. */
  readonly controller: URL;
  readonly credentials: Credentials;
  /** The push token of this device; sent to the controller. */
  readonly pushToken?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly platform: Platform;
  readonly files: ApkFiles;
  readonly store: StateStore;
  readonly observe: (event: AgentEvent, atMs: number) => void;
  readonly dispatcher?: Dispatcher | undefined;
  /** The state machine. Replaced only in tests that run the conformance kit against a wrong agent. */
  readonly step?: typeof step | undefined;
  readonly verdicts?: VerdictCache | undefined;
  readonly headersTimeoutMs?: number | undefined;
  readonly stallTimeoutMs?: number | undefined;
}
