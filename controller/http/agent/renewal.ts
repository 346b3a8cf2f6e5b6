/**
 * Decides which devices are asked to renew their token (SPEC §5): those whose token was made by the previous server
 * key, belongs to an older generation, or is old. The number per minute is bounded, so that a rotated key does not
 * bring the whole fleet at once.
 */
import type { Clock } from '../../ports/index.ts';
import type { DeviceIdentity } from '../auth.ts';
import { makeRateLimit } from '../rate.ts';

interface RenewalOptions {
  readonly clock: Clock;
  /** Of the key that signs. */
  readonly kid: string;
  readonly renewAfterMs: number;
  readonly perMinute: number;
  readonly monotonicMs: () => number;
}

export const RENEW_HEADER = ['Ota-Token', 'renew'] as const;

/** True when this answer carries the header. */
export function makeRenewal(options: RenewalOptions): (identity: DeviceIdentity) => boolean {
  const { clock, kid, renewAfterMs, perMinute, monotonicMs } = options;
  const limit = makeRateLimit({ perMinute, monotonicMs, maxKeys: 2 });
  return ({ auth, token }) => {
    const ours = token.kid !== undefined;
    const stale = ours && (token.kid !== kid || token.generation !== auth.generation);
    const due = stale || clock.nowMs() - auth.tokenIssuedAtMs >= renewAfterMs;
    return due && limit.take('') === 0;
  };
}
