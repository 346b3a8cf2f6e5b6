/**
 * Limits how much is downloaded at once. Beyond the limit a device is told when to come back. An admitted download runs
 * at full speed, so that devices finish one after another instead of all of them slowly. Rejected devices get
 * consecutive turns, so that they do not all return together.
 */
import { bucketOf } from '../../domain/cohort.ts';

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

/** A longer wait would be a guess; agents simply ask again. */
const MAX_WAIT_S = 600;
/** Between two downloads of one device. */
const DEVICE_WAIT_S = 10;
const BURST_S = 1;
/** How long a download takes, until some have been seen. */
const FIRST_MEAN_MS = 30_000;
const MEAN_WEIGHT = 0.1;

interface Budget {
  /** Reserves `bytes` for this device, or says when to come back. */
  enter(deviceId: string, bytes: number): Slot | Refused;
  readonly active: number;
}

/** A device's own place between 0 and 1, always the same: it spreads waits without a queue. */
export const shareOf = (deviceId: string): number => bucketOf(deviceId, 'download wait') / 10_000;

export function makeBudget(options: BudgetOptions): Budget {
  const { maxDownloads, downloadsPerDevice, downloadBytesPerS: rate, monotonicMs } = options;
  const byDevice = new Map<string, number>();
  let active = 0;
  /** Bytes that may be reserved now; negative while earlier reservations are being sent. */
  let level = rate * BURST_S;
  let levelAtMs = monotonicMs();
  let meanMs = FIRST_MEAN_MS;
  /** The turn of the next device that is sent away. */
  let turnAtMs = 0;

  function refill(): void {
    const nowMs = monotonicMs();
    level = Math.min(rate * BURST_S, level + ((nowMs - levelAtMs) / 1000) * rate);
    levelAtMs = nowMs;
  }

  /** At least `firstMs` from now, and `costMs` after the device that was sent away before. */
  function busy(deviceId: string, firstMs: number, costMs: number): Refused {
    const nowMs = monotonicMs();
    const atMs = Math.max(turnAtMs, nowMs + firstMs);
    const waitS = Math.ceil((atMs - nowMs) / 1000);
    if (waitS > MAX_WAIT_S)
      return { code: 'busy', retryAfterS: Math.ceil((MAX_WAIT_S / 2) * (1 + shareOf(deviceId))) };
    turnAtMs = atMs + costMs;
    return { code: 'busy', retryAfterS: Math.max(1, waitS) };
  }

  function refuse(deviceId: string, bytes: number): Refused | undefined {
    if ((byDevice.get(deviceId) ?? 0) >= downloadsPerDevice)
      return { code: 'download_limit', retryAfterS: DEVICE_WAIT_S };
    const placeMs = meanMs / maxDownloads;
    if (active >= maxDownloads) return busy(deviceId, placeMs, placeMs);
    if (rate === 0) return undefined;
    refill();
    return level > 0 ? undefined : busy(deviceId, (-level / rate) * 1000, (bytes / rate) * 1000);
  }

  return {
    get active() {
      return active;
    },
    enter: (deviceId, bytes) => {
      const refused = refuse(deviceId, bytes);
      if (refused !== undefined) return refused;
      active += 1;
      byDevice.set(deviceId, (byDevice.get(deviceId) ?? 0) + 1);
      level -= bytes;
      const enteredAtMs = monotonicMs();
      let released = false;
      return {
        release: sentBytes => {
          if (released) return;
          released = true;
          active -= 1;
          level += Math.max(0, bytes - sentBytes);
          meanMs += (monotonicMs() - enteredAtMs - meanMs) * MEAN_WEIGHT;
          const left = (byDevice.get(deviceId) ?? 1) - 1;
          if (left === 0) byDevice.delete(deviceId);
          else byDevice.set(deviceId, left);
        },
      };
    },
  };
}
