/** What a plan will do to the enrolled fleet. Uses only what the controller tells and guesses nothing. */
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { type Foreseen, foresee, takersIn } from '../domain/plan/outlook.ts';
import type { ToldRollout } from './told-rollout.ts';

/** `fleet` is undefined if it is too large to list. Then active devices are assumed to be spread evenly. */
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
