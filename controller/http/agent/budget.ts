/**
 * Limits how much is downloaded at once. Beyond the limit a device gets a time to come back. A download that is
 * admitted runs at full speed, so the fleet finishes one after another instead of all of it crawling.
 */

export interface BudgetOptions {
  readonly maxDownloads: number;
  readonly downloadsPerDevice: number;
  /** 0 is no limit. */
  readonly downloadBytesPerS: number;
  readonly monotonicMs: () => number;
}

export interface Slot {
  /** Frees the place and returns the bytes that were reserved but not sent. */
  release(sentBytes: number): void;
}

export type Refused = { readonly code: 'busy' | 'download_limit'; readonly retryAfterS: number };

/** A longer wait would be a guess; agents come back and ask again. */
const MAX_WAIT_S = 600;
const SLOT_WAIT_S = 10;
const BURST_S = 1;

export interface Budget {
  /** Reserves `bytes` for this device, or says when to come back. */
  enter(deviceId: string, bytes: number): Slot | Refused;
  readonly active: number;
}

export function makeBudget(options: BudgetOptions): Budget {
  const { maxDownloads, downloadsPerDevice, downloadBytesPerS: rate, monotonicMs } = options;
  const byDevice = new Map<string, number>();
  let active = 0;
  /** Bytes that may be reserved now; negative while earlier reservations are being sent. */
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
