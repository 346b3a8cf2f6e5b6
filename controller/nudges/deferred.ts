/** Devices that the push service could not serve now. Each is tried again after a pause, for one hour (SPEC §8). */

import { HOUR_MS } from '../domain/duration.ts';
import type { DeviceId } from '../domain/ids.ts';
import type { Away } from './row.ts';

const BACKOFF_MS = 60_000;
export const GIVE_UP_AFTER_MS = HOUR_MS;

/** The SDK hides `Retry-After`, so we choose the pause. A random extra of up to a quarter spreads the devices. */
export const pauseMs = (random: () => number): number => Math.round(BACKOFF_MS * (1 + random() * 0.25));

export class DeferredDevices {
  readonly #byId: Map<DeviceId, Away>;
  readonly #random: () => number;

  constructor(kept: readonly Away[], random: () => number) {
    this.#byId = new Map(kept.map(a => [a.deviceId, a]));
    this.#random = random;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The list as stored in the cursor. */
  get list(): Away[] {
    return [...this.#byId.values()];
  }

  /** At most `limit` devices whose wait is over. */
  due(nowMs: number, limit: number): DeviceId[] {
    return this.list
      .filter(a => a.dueMs <= nowMs)
      .slice(0, limit)
      .map(a => a.deviceId);
  }

  /** When the first wait is over, Unix ms. The list must not be empty. */
  get firstDueMs(): number {
    return Math.min(...this.list.map(a => a.dueMs));
  }

  /** Adds a device or defers it again. Returns false if its hour is over and it is given up. */
  add(deviceId: DeviceId, nowMs: number): boolean {
    const sinceMs = this.#byId.get(deviceId)?.sinceMs ?? nowMs;
    const waits = nowMs - sinceMs < GIVE_UP_AFTER_MS;
    if (waits) this.#byId.set(deviceId, { deviceId, sinceMs, dueMs: nowMs + pauseMs(this.#random) });
    else this.#byId.delete(deviceId);
    return waits;
  }

  delete(deviceId: DeviceId): void {
    this.#byId.delete(deviceId);
  }
}
