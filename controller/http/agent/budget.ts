/**
 * How much downloading is taken on at once. Beyond it a device is sent away with the time to come back: one that
 * is let in is never starved, so the fleet drains at the budget rather than all of it crawling.
 */

export interface BudgetOptions {
  readonly maxDownloads: number;
  readonly downloadsPerDevice: number;
  /** 0 is no limit. */
  readonly downloadBytesPerS: number;
  readonly monotonicMs: () => number;
}

export interface Slot {
  /** Gives the place back and what was promised but not sent. */
  release(sentBytes: number): void;
}

export type Refused = { readonly code: 'busy' | 'download_limit'; readonly retryAfterS: number };

/** Waiting longer than this is no hint but a guess; agents come back and ask again. */
const MAX_WAIT_S = 600;
const SLOT_WAIT_S = 10;
const BURST_S = 1;

export interface Budget {
  /** Promises `bytes` to this device, or says when to come back. */
  enter(deviceId: string, bytes: number): Slot | Refused;
  readonly active: number;
}

export function makeBudget(options: BudgetOptions): Budget {
  const { maxDownloads, downloadsPerDevice, downloadBytesPerS: rate, monotonicMs } = options;
  const byDevice = new Map<string, number>();
  let active = 0;
  /** Bytes that may be promised now; negative while earlier promises are worked off. */
  let level = rate * BURST_S;
  let levelAtMs = monotonicMs();

  function refill(): void {
    const nowMs = monotonicMs();
    level = Math.min(rate * BURST_S, level + ((nowMs - levelAtMs) / 1000) * rate);
    levelAtMs = nowMs;
  }

  function refuse(deviceId: string): Refused | undefined {
    if ((byDevice.get(deviceId) ?? 0) >= downloadsPerDevice)
      return { code: 'download_limit', retryAfterS: SLOT_WAIT_S };
    if (active >= maxDownloads) return { code: 'busy', retryAfterS: SLOT_WAIT_S };
    if (rate === 0) return undefined;
    refill();
    return level > 0
      ? undefined
      : { code: 'busy', retryAfterS: Math.min(MAX_WAIT_S, Math.max(1, Math.ceil(-level / rate))) };
  }

  return {
    get active() {
      return active;
    },
    enter: (deviceId, bytes) => {
      const refused = refuse(deviceId);
      if (refused !== undefined) return refused;
      active += 1;
      byDevice.set(deviceId, (byDevice.get(deviceId) ?? 0) + 1);
      level -= bytes;
      let released = false;
      return {
        release: sentBytes => {
          if (released) return;
          released = true;
          active -= 1;
          level += Math.max(0, bytes - sentBytes);
          const left = (byDevice.get(deviceId) ?? 1) - 1;
          if (left === 0) byDevice.delete(deviceId);
          else byDevice.set(deviceId, left);
        },
      };
    },
  };
}
