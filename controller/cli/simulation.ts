/** Counts what a rollout means for each device of a list, with the same code as the controller. Pure. */
import { BUCKETS, bucketOf, thresholdOf } from '../domain/cohort.ts';
import { type Decision, decide, type Snapshot } from '../domain/decision.ts';
import type { DeviceId } from '../domain/ids.ts';
import type { Rollout } from '../domain/release.ts';
import type { ListedDevice } from './device-list.ts';

export interface CohortStep {
  readonly percent: number;
  /** The number of devices by the percentage: `percent / 100 × devices`. */
  readonly nominal: number;
  /** The number of devices whose bucket is below the threshold. */
  readonly actual: number;
  /** How far the real share is from the percentage, in percentage points. */
  readonly offByPoints: number;
}

const DEFAULT_STEPS = [1, 5, 10, 25, 50, 100] as const;

/** The percents to count: the steps of the ramp, or the usual ones including the rollout's fixed percent. */
export function stepsOf(rollout: Rollout): readonly number[] {
  if (rollout.exposure.kind === 'ramp') return rollout.exposure.ramp.steps.map(s => s.percent);
  return [...new Set([...DEFAULT_STEPS, rollout.exposure.percent])].filter(p => p > 0).sort((a, b) => a - b);
}

/** Makes one pass over the devices for any number of steps. */
export function cohortSteps(
  ids: readonly DeviceId[],
  seed: string,
  percents: readonly number[],
): CohortStep[] {
  const perBucket = new Uint32Array(BUCKETS);
  for (const id of ids) {
    const bucket = bucketOf(id, seed);
    perBucket[bucket] = (perBucket[bucket] ?? 0) + 1;
  }
  return percents.map(percent => {
    const actual = perBucket.subarray(0, thresholdOf(percent)).reduce((sum, n) => sum + n, 0);
    const nominal = (ids.length * percent) / 100;
    const offByPoints = ids.length === 0 ? 0 : ((actual - nominal) / ids.length) * 100;
    return { percent, nominal, actual, offByPoints };
  });
}

/** Made-up ids `synthetic-000001` …, the same every time. */
export const syntheticDevices = (count: number): ListedDevice[] =>
  Array.from({ length: count }, (_, i) => ({
    deviceId: `synthetic-${String(i + 1).padStart(6, '0')}`,
    tags: [],
    versionCode: undefined,
  }));

/** One line of the count: `offer b42 (rollout)`, `hold outside_cohort`. */
const decisionLabel = (decision: Decision): string =>
  decision.kind === 'hold'
    ? `hold ${decision.reason}`
    : `offer ${decision.build.buildId} (${decision.eligibleBy}${decision.forceDowngrade ? ', downgrade' : ''})`;

/** A device without a version code is assumed to run `assumedVersionCode`. */
export function decisionCounts(
  snapshot: Snapshot,
  devices: readonly ListedDevice[],
  assumedVersionCode: number,
  nowMs: number,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const device of devices) {
    const versionCode = device.versionCode ?? assumedVersionCode;
    const label = decisionLabel(decide(snapshot, { ...device, versionCode }, nowMs));
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}
