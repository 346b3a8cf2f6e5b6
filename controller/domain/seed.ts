/**
 * The cohort seed of a promotion (SPEC §3). On a small fleet hashing alone misses a percentage by several points. So
 * below 10,000 devices a few hundred seeds are tried, and the best one for the steps of this rollout is used.
 */
import { bucketOf, isExposed } from './cohort.ts';
import type { BuildId, DeviceId } from './ids.ts';

/** The percents through which a plain percentage is likely to be raised. */
const USUAL_STEPS: readonly number[] = [1, 5, 10, 25, 50, 75, 90];
const SEED_TRIES = 256;
/** From this fleet size on hashing alone is accurate enough. */
export const SEED_FLEET_LIMIT = 10_000;
/** Small fleets need more tries, and a try costs less there. */
const HASHES = 80_000;
const MOST_TRIES = 4_096;

interface SeedChoice {
  /** `b42.17`: the build id and a counter. */
  readonly cohortSeed: string;
  /** The largest deviation of any step from its percentage, in points of this fleet; 0 for an empty fleet. */
  readonly worstPoints: number;
  /** How many devices are in the first step. */
  readonly inFirstStep: number;
  readonly tried: number;
}

export const seedOf = (buildId: BuildId, counter: number): string => `${buildId}.${counter}`;

/** The steps that a rollout at a plain percentage is judged by; its own comes first. */
export const stepsOfPercent = (percent: number): readonly number[] => [
  percent,
  ...USUAL_STEPS.filter(step => step > percent),
];

/** Steps at which a seed can make a difference: at 0 and 100 % all are alike. */
const partial = (steps: readonly number[]): readonly number[] => steps.filter(p => p > 0 && p < 100);

interface Fit {
  readonly worstPoints: number;
  readonly inFirstStep: number;
}

/** How well a seed meets these percents on these devices. */
export function fitOf(deviceIds: readonly DeviceId[], cohortSeed: string, steps: readonly number[]): Fit {
  const percents = partial(steps);
  if (deviceIds.length === 0 || percents.length === 0)
    return { worstPoints: 0, inFirstStep: deviceIds.length };
  const counts = percents.map(() => 0);
  for (const id of deviceIds) {
    const bucket = bucketOf(id, cohortSeed);
    for (const [i, percent] of percents.entries())
      if (isExposed(bucket, percent)) counts[i] = (counts[i] ?? 0) + 1;
  }
  const off = percents.map((p, i) => Math.abs(((counts[i] ?? 0) / deviceIds.length) * 100 - p));
  return { worstPoints: Math.max(...off), inFirstStep: counts[0] ?? 0 };
}

/** The best possible fit: a device cannot be split, and the first step needs one. */
function leastPoints(devices: number, steps: readonly number[]): number {
  const off = partial(steps).map((p, i) => {
    const nearest = Math.max(i === 0 ? 1 : 0, Math.round((devices * p) / 100));
    return Math.abs((nearest / devices) * 100 - p);
  });
  return Math.max(0, ...off);
}

export const triesFor = (devices: number): number =>
  Math.max(SEED_TRIES, Math.min(MOST_TRIES, Math.ceil(HASHES / devices)));

/** A first step with at least one device comes first, before accuracy. */
const isBetter = (a: Fit, b: Fit): boolean => {
  const [aHas, bHas] = [a.inFirstStep > 0, b.inFirstStep > 0];
  return aHas === bHas ? a.worstPoints < b.worstPoints : aHas;
};

/**
 * Returns the first best of about {@link SEED_TRIES} seeds for these devices (any order) at these percents (ascending).
 * A first step with at least one device comes before accuracy. An empty fleet, or one of {@link SEED_FLEET_LIMIT} or
 * more, gets counter 0 without a try. A try costs one hash per device: about 3 s in total for 10,000.
 */
export function chooseSeed(
  buildId: BuildId,
  deviceIds: readonly DeviceId[],
  steps: readonly number[] = USUAL_STEPS,
): SeedChoice {
  const first = seedOf(buildId, 0);
  if (deviceIds.length === 0) return { cohortSeed: first, worstPoints: 0, inFirstStep: 0, tried: 0 };
  let best = { cohortSeed: first, ...fitOf(deviceIds, first, steps) };
  if (deviceIds.length >= SEED_FLEET_LIMIT) return { ...best, tried: 1 };
  const enough = leastPoints(deviceIds.length, steps) + 1e-9;
  const tries = triesFor(deviceIds.length);
  let tried = 1;
  for (; tried < tries && (best.inFirstStep === 0 || best.worstPoints > enough); tried++) {
    const cohortSeed = seedOf(buildId, tried);
    const fit = fitOf(deviceIds, cohortSeed, steps);
    if (isBetter(fit, best)) best = { cohortSeed, ...fit };
  }
  return { ...best, tried };
}
