/** Which devices a percentage means: SPEC §3. Deterministic, no state per device. */
import { hash } from 'node:crypto';
import { type DeviceId, isDeviceId } from './ids.ts';

export const BUCKETS = 10_000;

/**
 * A device's place, 0…9999: `h = u32be(sha256(device_id, or seed:device_id)[0..4])`,
 * `bucket = (h mod 100) × 100 + floor(h / 100) mod 100`.
 * For whole percents `bucket < percent × 100` is exactly `hash(device_id) % 100 < percent`.
 */
export function bucketOf(deviceId: DeviceId, cohortSeed: string): number {
  // Callers reject invalid ids; a missing or mangled id must never fall into a random cohort.
  if (!isDeviceId(deviceId)) throw new Error('assertion: cannot bucket an invalid device id');
  const h = Number.parseInt(
    hash('sha256', cohortSeed === '' ? deviceId : `${cohortSeed}:${deviceId}`).slice(0, 8),
    16,
  );
  return (h % 100) * 100 + (Math.floor(h / 100) % 100);
}

/** The number of buckets below which a device is exposed: `round(percent × 100)`. */
export const thresholdOf = (percent: number): number => Math.round(percent * 100);

export const isExposed = (bucket: number, percent: number): boolean => bucket < thresholdOf(percent);
