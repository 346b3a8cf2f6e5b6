/** Chooses the cohort_seed of a promotion: the build id and a counter, the best for the active fleet if it is known. */
import type { BuildId } from '../domain/ids.ts';
import { chooseSeed, SEED_FLEET_LIMIT, seedOf } from '../domain/seed.ts';
import type { FleetAnswer } from './fleet.ts';

/** `steps`: the percents of the rollout, ascending. `notes` say how accurate the seed is, or why none was searched. */
export function findSeed(
  buildId: BuildId,
  steps: readonly number[],
  fleet: FleetAnswer,
): { cohortSeed: string; notes: string[] } {
  if (fleet.kind === 'counted' && fleet.active.length < SEED_FLEET_LIMIT) {
    const choice = chooseSeed(buildId, fleet.active, steps);
    const { cohortSeed, worstPoints, inFirstStep, tried } = choice;
    if (tried === 0) return { cohortSeed, notes: [`cohort_seed ${cohortSeed}: no device is enrolled yet`] };
    const near = `every step within ${worstPoints.toFixed(1)} points on ${fleet.active.length} ${fleet.activeWord}`;
    const notes = [`cohort_seed ${cohortSeed}: ${near} (${tried} tried)`];
    const first = steps[0] ?? 0;
    if (inFirstStep === 0 && first > 0)
      notes.push(`the first step (${first} %) contains no device with any of these seeds`);
    return { cohortSeed, notes };
  }
  const cohortSeed = seedOf(buildId, 0);
  const why =
    fleet.kind === 'unknown'
      ? 'not searched, because the enrolled fleet is not known'
      : 'not searched: with 10,000 devices or more, the hash alone is accurate enough';
  return { cohortSeed, notes: [`cohort_seed ${cohortSeed}: ${why}`] };
}
