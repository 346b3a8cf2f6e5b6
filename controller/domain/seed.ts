/**
 * The cohort seed of a promotion (SPEC §3): hashing alone misses a percentage by several points on a small fleet, so
 * below 10,000 devices a few hundred seeds are tried and the one that meets every usual step best is taken.
 */
import { bucketOf, isExposed } from './cohort.ts';
import type { BuildId, DeviceId } from './ids.ts';

const SEED_STEPS: readonly number[] = [1, 5, 10, 25, 50];
export const SEED_TRIES = 256;
/** From here on hashing alone is near enough. */
export const SEED_FLEET_LIMIT = 10_000;

export interface SeedChoice {
  /** `b42.17`: the build id and a counter. */
  readonly cohortSeed: string;
  /** The largest distance of any step from its percentage, in points of this fleet; 0 for an empty one. */
  readonly worstPoints: number;
  readonly tried: number;
}

export const seedOf = (buildId: BuildId, counter: number): string => `${buildId}.${counter}`;

/** How far the fleet is from the step it misses most, in points. */
export function worstPoints(deviceIds: readonly DeviceId[], cohortSeed: string): number {
  if (deviceIds.length === 0) return 0;
  const counts = SEED_STEPS.map(() => 0);
  for (const id of deviceIds) {
    const bucket = bucketOf(id, cohortSeed);
    for (const [i, percent] of SEED_STEPS.entries())
      if (isExposed(bucket, percent)) counts[i] = (counts[i] ?? 0) + 1;
  }
  const off = SEED_STEPS.map((percent, i) => Math.abs(((counts[i] ?? 0) / deviceIds.length) * 100 - percent));
  return Math.max(...off);
}

/** No seed can do better than this: devices do not split. */
function leastPoints(devices: number): number {
  const off = SEED_STEPS.map(p => Math.abs((Math.round((devices * p) / 100) / devices) * 100 - p));
  return Math.max(...off);
}

/**
 * Takes the first best of `tries` seeds for these enrolled devices, in any order. An empty fleet and one of
 * {@link SEED_FLEET_LIMIT} or more get counter 0 untried. A try costs one hash a device: some 3 s for 10,000.
 */
export function chooseSeed(buildId: BuildId, deviceIds: readonly DeviceId[], tries = SEED_TRIES): SeedChoice {
  const first = seedOf(buildId, 0);
  if (deviceIds.length === 0) return { cohortSeed: first, worstPoints: 0, tried: 0 };
  let best = { cohortSeed: first, worstPoints: worstPoints(deviceIds, first) };
  if (deviceIds.length >= SEED_FLEET_LIMIT) return { ...best, tried: 1 };
  const enough = leastPoints(deviceIds.length) + 1e-9;
  let tried = 1;
  for (; tried < tries && best.worstPoints > enough; tried++) {
    const cohortSeed = seedOf(buildId, tried);
    const points = worstPoints(deviceIds, cohortSeed);
    if (points < best.worstPoints) best = { cohortSeed, worstPoints: points };
  }
  return { ...best, tried };
}
