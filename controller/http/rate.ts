/** Token buckets: of keys in bounded memory, and of devices by their slots. No bucket that is forgotten locks anyone out. */

export interface RateLimit {
  /** Takes one token. Returns 0 if there was one, else the seconds to wait, at least 1. */
  take(key: string): number;
}

interface SlotLimit {
  /** The same for the device in this slot of the registry. */
  take(slot: number): number;
}

interface RateOptions {
  /** The average rate; a burst may be as large. */
  readonly perMinute: number;
  readonly monotonicMs: () => number;
}

/**
 * Seconds until a bucket has a token, 0 when it has one now. A bucket is the one number of the generic cell rate
 * algorithm (ITU-T I.371): the moment at which it would be full again, on the monotonic clock.
 */
function waitSOf(fullAtMs: number, nowMs: number, costMs: number): number {
  const waitMs = Math.max(fullAtMs, nowMs) + costMs - nowMs - 60_000;
  // A small tolerance, as sums of costMs may miss 60,000 by a rounding error.
  return waitMs <= 0.001 ? 0 : Math.max(1, Math.ceil(waitMs / 1000));
}

/** A forgotten key starts with a full bucket. */
export function makeRateLimit(options: RateOptions & { maxKeys?: number }): RateLimit {
  const { perMinute, monotonicMs } = options;
  const costMs = 60_000 / perMinute;
  // Two generations instead of an LRU list: half the work.
  const generationSize = Math.ceil((options.maxKeys ?? 65_536) / 2);
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  const keep = (key: string, fullAtMs: number): void => {
    young.set(key, fullAtMs);
    if (young.size < generationSize) return;
    old = young;
    young = new Map();
  };
  return {
    take: key => {
      const nowMs = monotonicMs();
      const fullAtMs = young.get(key) ?? old.get(key) ?? 0;
      const waitS = waitSOf(fullAtMs, nowMs, costMs);
      // A refused key is kept too.
      keep(key, waitS === 0 ? Math.max(fullAtMs, nowMs) + costMs : fullAtMs);
      return waitS;
    },
  };
}

const FIRST_SLOTS = 1_024;

/**
 * For the one hot route: eight bytes per device instead of three text look-ups per check. When a slot passes to another
 * device, that device inherits what is left of the minute.
 */
export function makeSlotLimit({ perMinute, monotonicMs }: RateOptions): SlotLimit {
  const costMs = 60_000 / perMinute;
  let fullAt = new Float64Array(FIRST_SLOTS);
  const reserve = (slot: number): void => {
    if (slot < fullAt.length) return;
    const larger = new Float64Array(Math.ceil(Math.max(slot + 1, fullAt.length * 1.5)));
    larger.set(fullAt);
    fullAt = larger;
  };
  return {
    take: slot => {
      reserve(slot);
      const nowMs = monotonicMs();
      const fullAtMs = fullAt[slot] ?? 0;
      const waitS = waitSOf(fullAtMs, nowMs, costMs);
      if (waitS === 0) fullAt[slot] = Math.max(fullAtMs, nowMs) + costMs;
      return waitS;
    },
  };
}
