/** Token buckets in bounded memory. A forgotten key starts with a full bucket, so forgetting never locks anyone out. */

export interface RateLimit {
  /** Takes one token. Returns 0 when granted, else the seconds to wait, at least 1. */
  take(key: string): number;
}

/**
 * `perMinute` on average with a burst of as many. Kept as the one number of the generic cell rate algorithm
 * (ITU-T I.371): the moment at which the bucket would be full again, on the monotonic clock.
 */
export function makeRateLimit(options: {
  perMinute: number;
  monotonicMs: () => number;
  maxKeys?: number;
}): RateLimit {
  const { perMinute, monotonicMs } = options;
  const costMs = 60_000 / perMinute;
  // Two generations instead of an LRU list: half the work on the hot route.
  const generationSize = Math.ceil((options.maxKeys ?? 65_536) / 2);
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  const fullAtOf = (key: string): number => young.get(key) ?? old.get(key) ?? 0;
  const keep = (key: string, fullAtMs: number): void => {
    young.set(key, fullAtMs);
    if (young.size < generationSize) return;
    old = young;
    young = new Map();
  };
  return {
    take: key => {
      const nowMs = monotonicMs();
      const held = fullAtOf(key);
      const next = Math.max(held, nowMs) + costMs;
      const waitMs = next - nowMs - 60_000;
      // A small tolerance, as sums of costMs may miss 60,000 by a rounding error. A refused key is kept too.
      const granted = waitMs <= 0.001;
      keep(key, granted ? next : held);
      return granted ? 0 : Math.max(1, Math.ceil(waitMs / 1000));
    },
  };
}
