/** Which cohort_seed a promotion writes: the build id and a counter, chosen on the enrolled fleet where it is known. */
import type { BuildId } from '../domain/ids.ts';
import { chooseSeed, SEED_FLEET_LIMIT, seedOf } from '../domain/seed.ts';
import type { FleetAnswer } from './fleet.ts';

/** `notes` say how near it comes, or why it could not be searched. */
export function findSeed(buildId: BuildId, fleet: FleetAnswer): { cohortSeed: string; notes: string[] } {
  if (fleet.kind === 'counted' && fleet.devices.length < SEED_FLEET_LIMIT) {
    const choice = chooseSeed(
      buildId,
      fleet.devices.map(d => d.deviceId),
    );
    const { cohortSeed, worstPoints, tried } = choice;
    if (tried === 0) return { cohortSeed, notes: [`cohort_seed ${cohortSeed}: no device is enrolled yet`] };
    const near = `every step within ${worstPoints.toFixed(1)} points on ${fleet.devices.length} enrolled devices`;
    return { cohortSeed, notes: [`cohort_seed ${cohortSeed}: ${near} (${tried} tried)`] };
  }
  const cohortSeed = seedOf(buildId, 0);
  const why =
    fleet.kind === 'unknown'
      ? 'not searched, because the enrolled fleet is not known'
      : 'not searched: from 10,000 devices on hashing alone is near enough';
  return { cohortSeed, notes: [`cohort_seed ${cohortSeed}: ${why}`] };
}
