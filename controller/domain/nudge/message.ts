/** The signed FCM "update" command: SPEC §8. Shared by the controller, which signs, and the agent, which verifies. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../duration.ts';
import { type BuildId, type DeviceId, isBuildId, isRequestId } from '../ids.ts';

const NUDGE_MAX_AGE_MS = 10 * MINUTE_MS;
export const NUDGE_MAX_AHEAD_MS = 5 * MINUTE_MS;
export const NUDGE_REPLAY_WINDOW_MS = 15 * MINUTE_MS;

/** The data of the message, all strings as FCM wants them; `issued_at` in decimal Unix seconds. */
type NudgeMessage = {
  readonly type: 'update';
  readonly build_id: BuildId;
  readonly request_id: string;
  readonly issued_at: string;
  /** 64 lower-case hex digits. */
  readonly hmac: string;
};

/** 32 bytes, given to the device once at enrolment: `HKDF-SHA256(master, salt = device_id, info = "nexmdm-ota nudge v1 " + generation)`. */
export const nudgeKey = (master: Uint8Array, deviceId: DeviceId, generation: number): Buffer =>
  Buffer.from(hkdfSync('sha256', master, deviceId, `nexmdm-ota nudge v1 ${generation}`, 32));

const sign = (key: Uint8Array, deviceId: DeviceId, m: Omit<NudgeMessage, 'hmac' | 'type'>): Buffer =>
  createHmac('sha256', key)
    .update(`update\n${deviceId}\n${m.build_id}\n${m.request_id}\n${m.issued_at}`)
    .digest();

export function signNudge(
  key: Uint8Array,
  deviceId: DeviceId,
  nudge: { buildId: BuildId; requestId: string; issuedAtMs: number },
): NudgeMessage {
  const content = {
    build_id: nudge.buildId,
    request_id: nudge.requestId,
    issued_at: String(Math.floor(nudge.issuedAtMs / 1000)),
  };
  return { type: 'update', ...content, hmac: sign(key, deviceId, content).toString('hex') };
}

export type NudgeVerdict =
  | { readonly ok: true; readonly buildId: BuildId; readonly requestId: string; readonly issuedAtMs: number }
  | { readonly ok: false; readonly code: 'malformed' | 'bad_hmac' | 'stale' | 'future' | 'replayed' };

const text = (value: unknown): string => (typeof value === 'string' && value.length <= 256 ? value : '');

/**
 * Judges a received message. `nowMs` is the agent's clock corrected by the controller's last `Date`;
 * `seen` tells whether a request id was accepted within {@link NUDGE_REPLAY_WINDOW_MS}.
 */
export function verifyNudge(
  key: Uint8Array,
  deviceId: DeviceId,
  message: Readonly<Record<string, unknown>>,
  nowMs: number,
  seen: (requestId: string) => boolean,
): NudgeVerdict {
  const buildId = text(message.build_id);
  const requestId = text(message.request_id);
  const issuedAt = text(message.issued_at);
  const mac = text(message.hmac);
  if (message.type !== 'update' || !isBuildId(buildId) || !isRequestId(requestId))
    return { ok: false, code: 'malformed' };
  if (!/^\d{1,12}$/.test(issuedAt) || !/^[0-9a-f]{64}$/.test(mac)) return { ok: false, code: 'malformed' };
  const expected = sign(key, deviceId, { build_id: buildId, request_id: requestId, issued_at: issuedAt });
  if (!timingSafeEqual(expected, Buffer.from(mac, 'hex'))) return { ok: false, code: 'bad_hmac' };
  const issuedAtMs = Number(issuedAt) * 1000;
  if (nowMs - issuedAtMs > NUDGE_MAX_AGE_MS) return { ok: false, code: 'stale' };
  if (issuedAtMs - nowMs > NUDGE_MAX_AHEAD_MS) return { ok: false, code: 'future' };
  if (seen(requestId)) return { ok: false, code: 'replayed' };
  return { ok: true, buildId, requestId, issuedAtMs };
}
