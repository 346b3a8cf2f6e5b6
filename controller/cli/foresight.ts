/** What a plan leads to with the enrolled fleet, as far as the controller tells: never guessed. */
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { type Foreseen, foresee, takersIn } from '../domain/plan/outlook.ts';
import type { ToldRollout } from './told-rollout.ts';

/** `fleet`: undefined for one that is too large to list; then active devices are taken to be spread evenly. */
export function foreseenBy(plan: Plan, told: ToldRollout, fleet: FleetPlan | undefined): Foreseen {
  if (told.kind === 'unknown') return { kind: 'unknown', why: told.why };
  const { active, check_in_gaps } = told.view.fleet;
  if (check_in_gaps === undefined)
    return { kind: 'unknown', why: 'this controller does not tell how often devices check in' };
  const { devices, quantiles_s, poll_interval_s } = check_in_gaps;
  return foresee(plan, {
    gaps: { devices, quantilesMs: quantiles_s.map(s => s * 1000) },
    pollMs: poll_interval_s * 1000,
    takersAt: fleet === undefined ? percent => Math.round((active * percent) / 100) : takersIn(fleet),
  });
}
