/** Which cohort_seed a promotion writes: the build id and a counter, chosen on the active fleet where it is known. */
import type { BuildId } from '../domain/ids.ts';
import { chooseSeed, SEED_FLEET_LIMIT, seedOf } from '../domain/seed.ts';
import type { FleetAnswer } from './fleet.ts';

/** `steps`: the rollout's own percents, rising. `notes` say how near the seed comes, or why it could not be searched. */
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
      notes.push(`no seed puts a device into the first step: ${first} % of this fleet is nobody`);
    return { cohortSeed, notes };
  }
  const cohortSeed = seedOf(buildId, 0);
  const why =
    fleet.kind === 'unknown'
      ? 'not searched, because the enrolled fleet is not known'
      : 'not searched: from 10,000 devices on hashing alone is near enough';
  return { cohortSeed, notes: [`cohort_seed ${cohortSeed}: ${why}`] };
}
