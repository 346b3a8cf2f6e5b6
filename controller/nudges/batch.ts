/** Sends one batch of nudges. Each device is decided on once more. Each nudge is signed for its device and recorded. */
import { type Device, decide, type Snapshot } from '../domain/decision.ts';
import type { NudgeResult } from '../domain/device-event.ts';
import type { Observe } from '../domain/event.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import { nudgeKey, signNudge } from '../domain/nudge/message.ts';
import type {
  DeviceAuth,
  DeviceStore,
  Pusher,
  PushMessage,
  PushResult,
  ScannedDevice,
} from '../ports/index.ts';

const TTL_MS = 600_000;
const COLLAPSE_KEY = 'ota-update';

export interface BatchOptions {
  readonly devices: Pick<DeviceStore, 'auth' | 'dropPushToken'>;
  readonly pusher: Pusher;
  readonly picture: () => Snapshot | undefined;
  readonly masterKey: Buffer;
  /** Time for decisions, Unix ms. */
  readonly nowMs: () => number;
  /** Wall time, Unix ms. `Date` headers contain it, and agents compare `issued_at` with it. */
  readonly wallMs: () => number;
  readonly newRequestId: () => string;
  readonly observe: Observe;
}

/** Devices that no longer need a nudge are left out. Undefined if the process began to stop during the batch. */
type BatchResults = ReadonlyMap<DeviceId, PushResult> | undefined;

interface Outgoing {
  readonly deviceId: DeviceId;
  readonly requestId: string;
  readonly buildId: BuildId;
  readonly message: PushMessage;
}

/** The device as decisions see it, from its last check-in. A device that never named a version counts as version 0. */
export const deviceOf = (d: ScannedDevice): Device => ({
  deviceId: d.deviceId,
  tags: d.tags,
  versionCode: d.versionCode ?? 0,
  buildId: d.buildId,
  sdk: d.sdk,
  signer: d.signer,
});

/** The generation whose key the device certainly has. During a renewal this is the previous one (SPEC §6). */
const generationInUse = (auth: DeviceAuth, nowMs: number): number =>
  auth.previousUntilMs > nowMs ? auth.previousGeneration : auth.generation;

function compose(device: ScannedDevice, o: BatchOptions): Outgoing | undefined {
  const { deviceId, pushToken } = device;
  const snapshot = o.picture();
  // Tags and credentials may have changed since the page was read.
  const auth = o.devices.auth(deviceId);
  if (snapshot === undefined || pushToken === undefined || auth === undefined || auth.revoked)
    return undefined;
  const nowMs = o.nowMs();
  const decision = decide(snapshot, { ...deviceOf(device), tags: auth.tags }, nowMs);
  if (decision.kind !== 'offer') return undefined;
  const { buildId } = decision.build;
  const requestId = o.newRequestId();
  const key = nudgeKey(o.masterKey, deviceId, generationInUse(auth, nowMs));
  const data = signNudge(key, deviceId, { buildId, requestId, issuedAtMs: o.wallMs() });
  return {
    deviceId,
    requestId,
    buildId,
    message: { pushToken, data, ttlMs: TTL_MS, collapseKey: COLLAPSE_KEY },
  };
}

/** Resolves with `undefined` when the signal is aborted, so that an unresponsive push service cannot delay the shutdown. */
function orEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const end = () => resolve(undefined);
    signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}

export async function sendBatch(
  batch: readonly ScannedDevice[],
  o: BatchOptions,
  signal: AbortSignal,
): Promise<BatchResults> {
  const outgoing = batch.flatMap(device => compose(device, o) ?? []);
  if (outgoing.length === 0) return new Map();
  const results = await orEnded(o.pusher.send(outgoing.map(one => one.message)), signal);
  if (results === undefined) return undefined;
  const told = new Map<DeviceId, PushResult>();
  for (const [index, { deviceId, requestId, buildId, message }] of outgoing.entries()) {
    const result = results[index] ?? { result: 'retry', code: 'no_response' };
    told.set(deviceId, result);
    observeResult(o.observe, { deviceId, requestId, buildId }, result);
    if (result.result === 'unregistered') await o.devices.dropPushToken(deviceId, message.pushToken);
  }
  return told;
}

const FINAL: ReadonlySet<NudgeResult> = new Set(['unregistered', 'invalid', 'sender_mismatch', 'gave_up']);

/** Nudges that will never arrive are reported as a separate event from those that were sent or will be tried again. */
export function observeResult(
  observe: Observe,
  about: { readonly deviceId: DeviceId; readonly requestId: string | undefined; readonly buildId: BuildId },
  result: { readonly result: NudgeResult; readonly code?: string },
): void {
  const { deviceId, requestId, buildId } = about;
  if (FINAL.has(result.result))
    observe({
      type: 'ota.nudge.fail',
      deviceId,
      requestId,
      buildId,
      result: result.result,
      code: result.code ?? result.result,
    });
  else observe({ type: 'ota.nudge', deviceId, requestId, buildId, result: result.result, code: result.code });
}
