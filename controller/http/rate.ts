/** Token buckets in bounded memory: who is forgotten starts with a full bucket, so forgetting never locks out. */
import { LRUCache } from 'lru-cache';

export interface RateLimit {
  /** Takes one; 0 when granted, else the seconds to wait, at least 1. */
  take(key: string): number;
  /** Whether the next `take` would be refused; takes nothing. */
  exhausted(key: string): boolean;
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
  const fullAt = new LRUCache<string, number>({ max: options.maxKeys ?? 65_536 });
  const afterTaking = (key: string, nowMs: number): number => Math.max(fullAt.get(key) ?? 0, nowMs) + costMs;
  return {
    take: key => {
      const nowMs = monotonicMs();
      const next = afterTaking(key, nowMs);
      const waitMs = next - nowMs - 60_000;
      // A hair of tolerance: sums of costMs need not meet 60,000 exactly.
      if (waitMs > 0.001) return Math.max(1, Math.ceil(waitMs / 1000));
      fullAt.set(key, next);
      return 0;
    },
    exhausted: key => {
      const nowMs = monotonicMs();
      return afterTaking(key, nowMs) - nowMs - 60_000 > 0.001;
    },
  };
}
