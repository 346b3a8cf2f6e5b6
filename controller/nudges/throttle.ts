/** Limits the rate of a campaign with a token bucket: time adds credit, messages use it, and the bucket is small. */
import { allowance, allowedAtMs, type Pace, rateAt } from '../domain/nudge/pace.ts';

/** The longest single wait. It is short so that a stop is noticed within a second. */
const SLICE_MS = 500;
/** Messages that become due within this time are sent together. */
const GATHER_S = 0.25;
/** How many seconds of credit may accumulate while the push service answers slowly. */
const SAVED_S = 1;
/** Tolerance for rounding errors. */
const GRAIN = 1e-6;

interface ThrottleOptions {
  readonly monotonicMs: () => number;
  /** Waits, or returns early when the run ends. */
  readonly sleep: (ms: number) => Promise<void>;
}

export class Throttle {
  readonly #o: ThrottleOptions;
  readonly #startedMs: number;
  #seenMs = 0;
  #credit = 0;

  constructor(options: ThrottleOptions) {
    this.#o = options;
    this.#startedMs = options.monotonicMs();
  }

  /** Waits until some of the `wanted` messages may be sent and returns how many. Returns 0 once `over` is true. */
  async room(pace: Pace, wanted: number, over: () => boolean): Promise<number> {
    while (!over()) {
      const elapsedMs = this.#o.monotonicMs() - this.#startedMs;
      const rate = rateAt(pace, elapsedMs);
      const gathered = Math.min(wanted, Math.max(1, Math.floor(rate * GATHER_S)));
      this.#credit += allowance(pace, elapsedMs) - allowance(pace, this.#seenMs);
      this.#seenMs = elapsedMs;
      this.#credit = Math.min(this.#credit, Math.max(gathered, rate * SAVED_S));
      if (this.#credit + GRAIN >= gathered) return Math.min(wanted, Math.floor(this.#credit + GRAIN));
      const dueMs = allowedAtMs(pace, allowance(pace, elapsedMs) + gathered - this.#credit);
      await this.#o.sleep(Math.min(SLICE_MS, Math.max(1, Math.ceil(dueMs - elapsedMs))));
    }
    return 0;
  }

  /** Subtracts messages that were sent. */
  spend(count: number): void {
    this.#credit -= count;
  }
}
