/**
 * Device tokens (SPEC §6): `v1.<kid>.<device_id>.<generation>.<mac>`, where mac = base64url(HMAC-SHA256(key, text
 * before the last dot)). No token is stored, so a check needs no database read. A device id may contain dots, so the
 * token is parsed from both ends.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { type DeviceId, isDeviceId } from '../domain/ids.ts';
import { isKid, type TokenKeys } from '../domain/token-key.ts';

interface DeviceToken {
  readonly deviceId: DeviceId;
  readonly generation: number;
  /** Of the key that made it. */
  readonly kid: string;
}

type TokenVerdict = DeviceToken | 'malformed' | 'invalid';

export interface DeviceTokens {
  /** Of the key that signs. */
  readonly kid: string;
  mint(deviceId: DeviceId, generation: number): string;
  /** `malformed`: the text does not have this form. `invalid`: unknown key or wrong mac. */
  verify(token: string): TokenVerdict;
}

const GENERATION = /^[1-9]\d{0,8}$/;
/** base64url of 32 bytes. */
const MAC_CHARS = 43;
const MAC = /^[A-Za-z0-9_-]{43}$/;
/** v1 + kid + 64 + generation + mac and their dots. */
const MAX_CHARS = 2 + 1 + 16 + 1 + 64 + 1 + 9 + 1 + MAC_CHARS;
const BLOCK = 64;

/**
 * HMAC-SHA256 (RFC 2104) with the padded keys prepared once and two one-shot hashes a call: `createHmac` builds a
 * stream object each time and takes more than twice as long on the one hot route. `text` is ASCII of bounded length.
 */
export function makeMac(key: Uint8Array): (text: string) => string {
  const short = key.length > BLOCK ? hash('sha256', key, 'buffer') : Buffer.from(key);
  const inner = Buffer.alloc(BLOCK + MAX_CHARS, 0x36);
  const outer = Buffer.alloc(BLOCK + 32, 0x5c);
  for (const [i, byte] of short.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  return text => {
    const length = inner.write(text, BLOCK, 'latin1');
    outer.write(hash('sha256', inner.subarray(0, BLOCK + length), 'binary'), BLOCK, 'latin1');
    return hash('sha256', outer, 'base64url');
  };
}

export function makeDeviceTokens(keys: TokenKeys): DeviceTokens {
  for (const { kid, key } of keys)
    if (!isKid(kid) || key.length < 32)
      throw new Error('assertion: a token key needs a kid of up to 16 letters and at least 32 bytes');
  const [signing] = keys;
  const macs = new Map(keys.map(({ kid, key }) => [kid, makeMac(key)]));
  if (macs.size !== keys.length) throw new Error('assertion: two token keys share a kid');
  const given = Buffer.alloc(MAC_CHARS);
  const right = Buffer.alloc(MAC_CHARS);
  const sign = makeMac(signing.key);

  return {
    kid: signing.kid,
    mint: (deviceId, generation) => {
      const body = `v1.${signing.kid}.${deviceId}.${generation}`;
      return `${body}.${sign(body)}`;
    },
    verify: token => {
      if (token.length > MAX_CHARS || !token.startsWith('v1.')) return 'malformed';
      const kidEnd = token.indexOf('.', 3);
      const macStart = token.length - MAC_CHARS;
      const generationStart = token.lastIndexOf('.', macStart - 2) + 1;
      if (token.charCodeAt(macStart - 1) !== 46) return 'malformed';
      const deviceId = token.slice(kidEnd + 1, generationStart - 1);
      const generation = token.slice(generationStart, macStart - 1);
      const mac = token.slice(macStart);
      if (!isDeviceId(deviceId) || !GENERATION.test(generation) || !MAC.test(mac)) return 'malformed';
      const kid = token.slice(3, kidEnd);
      const macOf = macs.get(kid);
      if (macOf === undefined) return 'invalid';
      given.write(mac, 'latin1');
      right.write(macOf(token.slice(0, macStart - 1)), 'latin1');
      return timingSafeEqual(given, right) ? { deviceId, generation: Number(generation), kid } : 'invalid';
    },
  };
}
