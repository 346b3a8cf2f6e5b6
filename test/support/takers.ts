/** Devices and takers for the counter of evidence: a ramp that began 30 h ago, now on its step of 10 %; b42 over b41. */
import { bucketOf } from '../../controller/domain/cohort.ts';
import type { Snapshot } from '../../controller/domain/decision.ts';
import type { Evidence } from '../../controller/domain/gate/evidence.ts';
import { type ErasedTakers, evidenceCounter, type Taker } from '../../controller/domain/gate/takers.ts';
import type { DeviceId } from '../../controller/domain/ids.ts';
import type { CountedDevice } from '../../controller/domain/progress.ts';
import { newRamp } from '../../controller/domain/ramp/progress.ts';
import { aRamp, aRollout, aSnapshot, aState, HOUR_MS, NOW_MS } from './state.ts';

export const BEGAN_MS = NOW_MS - 30 * HOUR_MS;
export const snapshot: Snapshot = aSnapshot(
  aState({ rollout: aRollout({ exposure: aRamp(undefined, [1, 12], [10, 24], [100]) }) }),
  { progress: { ...newRamp({ startMs: undefined }, BEGAN_MS), step: 1 } },
);
const ids = Array.from({ length: 2_000 }, (_, i): DeviceId => `d${i}`);
const percentOf = (id: DeviceId): number => bucketOf(id, snapshot.rollout.cohortSeed) / 100;
export const inFirst = ids.filter(id => percentOf(id) < 1);
export const inSecond = ids.filter(id => percentOf(id) >= 1 && percentOf(id) < 10);
export const outside = ids.filter(id => percentOf(id) >= 10);

export const device = (deviceId: DeviceId, versionCode = 41, seenAgoHours = 1): CountedDevice => ({
  deviceId,
  tags: [],
  versionCode,
  lastSeenMs: NOW_MS - seenAgoHours * HOUR_MS,
});
export const taker = (deviceId: DeviceId, over: Partial<Taker> = {}): Taker => ({
  deviceId,
  takenAtMs: NOW_MS - 20 * HOUR_MS,
  final: undefined,
  newest: undefined,
  ...over,
});

/** Polls every 6 h, silent after 18 h; the controller has been up for `upHours`. */
export function count(
  devices: readonly CountedDevice[],
  takers: readonly Taker[],
  upHours = 1_000,
  of = snapshot,
  erased?: readonly ErasedTakers[],
): Evidence {
  const counter = evidenceCounter(of, new Map(takers.map(t => [t.deviceId, t])), {
    nowMs: NOW_MS,
    upSinceMs: NOW_MS - upHours * HOUR_MS,
    pollMs: 6 * HOUR_MS,
    silenceAfterMs: 18 * HOUR_MS,
    ...(erased === undefined ? {} : { erased }),
  });
  for (const one of devices) counter.add(one);
  return counter.result();
}
export const nth = (list: readonly DeviceId[], i: number): DeviceId => list[i] ?? '';
