/** Authentication: devices by their own tokens, operators by admin tokens (SPEC §6). No token is ever logged or echoed. */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Observe } from '../domain/event.ts';
import type { DeviceId } from '../domain/ids.ts';
import {
  type AdminScope,
  type AdminStore,
  type AdminToken,
  type Clock,
  type DeviceAuth,
  type DeviceStore,
  IMPORTED_KID,
  type ShowToken,
} from '../ports/index.ts';
import { clientAddress } from './address.ts';
import { Behind } from './catch-up.ts';
import type { DeviceTokens } from './device-token.ts';
import { type HttpCode, Refusal } from './problem.ts';
import { makeRateLimit, type RateLimit } from './rate.ts';

export interface DeviceIdentity {
  readonly deviceId: DeviceId;
  readonly auth: DeviceAuth;
  /** The credential that was shown. Without `kid` it is the token of another system. */
  readonly token: { readonly kid: string | undefined; readonly generation: number };
}

export interface Auth {
  /**
   * Reads no database. Throws a Refusal: 401, or 429 for an address that fails too often. The first look throws Behind
   * for a token that another controller may have just made or accepted.
   */
  device(req: IncomingMessage, route: string, isSecond: boolean): DeviceIdentity;
  /** Reads no database either. Throws as `device` does, or a Refusal 403. */
  admin(req: IncomingMessage, route: string, scope: AdminScope, isSecond: boolean): AdminToken;
  /** The same check for an operator's token that came in a form. The caller checks the scopes. */
  readonly show: ShowToken;
}

interface AuthOptions {
  readonly devices: DeviceStore;
  readonly admins: AdminStore;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly tokens: DeviceTokens;
  readonly settings: { readonly trustedProxy: boolean; readonly authFailuresPerMinute: number };
  readonly monotonicMs: () => number;
}

const MAX_BEARER = 1024;
export const ADMIN_TOKEN = /^ota_admin_[A-Za-z0-9_-]{43}$/;
export const tokenHash = (token: string): string => hash('sha256', token);

const DETAIL = {
  token_missing: 'no token was sent: send it as Authorization: Bearer',
  token_malformed: 'this token is not valid for this controller',
  token_invalid: 'this token was not issued by this controller',
  token_revoked: 'this token was revoked',
  token_superseded: 'this token was replaced by a newer one',
  token_expired: 'this token has expired',
  device_unknown: 'the device of this token is not enrolled: ask an operator to enrol it',
} as const satisfies Partial<Record<HttpCode, string>>;
type AuthFailure = keyof typeof DETAIL;

/** Refusals that may only mean that this controller has not yet seen a change by another one. */
const MAY_BE_BEHIND: ReadonlySet<AuthFailure> = new Set([
  'token_malformed',
  'token_invalid',
  'token_revoked',
  'token_superseded',
  'device_unknown',
]);

type Bearer = { readonly token: string } | AuthFailure;

function bearer(req: IncomingMessage): Bearer {
  const header = req.headers.authorization;
  if (header === undefined) return 'token_missing';
  if (header.length > MAX_BEARER) return 'token_malformed';
  if (!header.startsWith('Bearer ') && header.slice(0, 7).toLowerCase() !== 'bearer ')
    return 'token_malformed';
  return { token: header.startsWith(' ', 7) ? header.slice(7).trimStart() : header.slice(7) };
}

export function makeAuth(options: AuthOptions): Auth {
  const { devices, admins, clock, observe, tokens, settings, monotonicMs } = options;
  const limit = { perMinute: settings.authFailuresPerMinute, monotonicMs, maxKeys: 16_384 };
  const deviceFailures = makeRateLimit(limit);
  const adminFailures = makeRateLimit(limit);

  const tooMany = (retryAfterS: number): Refusal =>
    new Refusal('auth_rate_limited', 'too many failed authentications from this address', { retryAfterS });

  /** Logs and counts a failure. Returns the seconds to wait; 0 while the client may still be told the reason. */
  function failed(address: string, route: string, code: AuthFailure, failures: RateLimit): number {
    const waitS = failures.take(address);
    observe({ type: 'ota.auth.fail', route, code: waitS === 0 ? code : 'auth_rate_limited', address });
    return waitS;
  }

  function fail(req: IncomingMessage, route: string, code: AuthFailure, failures: RateLimit): never {
    const waitS = failed(clientAddress(req, settings.trustedProxy), route, code, failures);
    throw waitS === 0 ? new Refusal(code, DETAIL[code]) : tooMany(waitS);
  }

  function operatorOf(token: string): AdminToken | AuthFailure {
    if (!ADMIN_TOKEN.test(token)) return 'token_malformed';
    const found = admins.find(tokenHash(token));
    if (found === undefined) return 'token_invalid';
    if (found.revokedAtMs !== undefined) return 'token_revoked';
    return found.expiresAtMs <= clock.nowMs() ? 'token_expired' : found;
  }

  /** The store knows an imported token for as long as its generation is accepted. */
  function imported(token: string): DeviceIdentity | AuthFailure {
    const deviceId = devices.deviceOfToken(tokenHash(token));
    const auth = deviceId === undefined ? undefined : devices.auth(deviceId);
    if (deviceId === undefined || auth === undefined) return 'token_malformed';
    if (auth.revoked) return 'token_revoked';
    if (auth.kid !== IMPORTED_KID) devices.sawKid(deviceId, IMPORTED_KID);
    return { deviceId, auth, token: { kid: undefined, generation: auth.generation } };
  }

  function identify(token: string): DeviceIdentity | AuthFailure {
    const verdict = tokens.verify(token);
    if (verdict === 'malformed') return imported(token);
    if (verdict === 'invalid') return 'token_invalid';
    const { deviceId, generation, kid } = verdict;
    const auth = devices.auth(deviceId);
    if (auth === undefined) return 'device_unknown';
    if (auth.revoked) return 'token_revoked';
    const newest = generation === auth.generation;
    const previous = generation === auth.previousGeneration && clock.nowMs() < auth.previousUntilMs;
    if (!newest && !previous) {
      if (!devices.adoptGeneration(deviceId, generation)) return 'token_superseded';
      observe({ type: 'ota.token.adopted', deviceId, generation });
    }
    if (newest && auth.previousUntilMs > 0) devices.confirmGeneration(deviceId, generation);
    if (auth.kid !== kid) devices.sawKid(deviceId, kid);
    return { deviceId, auth, token: { kid, generation } };
  }

  return {
    device: (req, route, isSecond) => {
      const given = bearer(req);
      if (typeof given === 'string') return fail(req, route, given, deviceFailures);
      const found = identify(given.token);
      if (typeof found !== 'string') return found;
      if (!isSecond && MAY_BE_BEHIND.has(found)) throw new Behind();
      return fail(req, route, found, deviceFailures);
    },
    admin: (req, route, scope, isSecond) => {
      const given = bearer(req);
      if (typeof given === 'string') return fail(req, route, given, adminFailures);
      const found = operatorOf(given.token);
      if (typeof found === 'string') {
        if (!isSecond && MAY_BE_BEHIND.has(found)) throw new Behind();
        return fail(req, route, found, adminFailures);
      }
      if (!found.scopes.includes(scope) && !found.scopes.includes('admin'))
        throw new Refusal('scope_missing', `this token lacks the scope ${scope}`);
      return found;
    },
    show: (token, address) => {
      const found = operatorOf(token);
      if (typeof found !== 'string') return { kind: 'good', token: found, sha256: tokenHash(token) };
      const retryAfterS = failed(address, '/sign-in', found, adminFailures);
      return retryAfterS === 0 ? { kind: 'refused' } : { kind: 'wait', retryAfterS };
    },
  };
}
