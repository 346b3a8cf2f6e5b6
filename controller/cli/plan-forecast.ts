/** What a plan will do to the enrolled fleet. Uses only what the controller tells and guesses nothing. */
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { forecastPlan, type PlanForecast, takersIn } from '../domain/plan/outlook.ts';
import type { RolloutAnswer } from './rollout-answer.ts';

/** `fleet` is undefined if it is too large to list. Then active devices are assumed to be spread evenly. */
export function forecastFor(plan: Plan, answer: RolloutAnswer, fleet: FleetPlan | undefined): PlanForecast {
  if (answer.kind === 'unknown') return { kind: 'unknown', why: answer.why };
  const { active, check_in_gaps } = answer.view.fleet;
  if (check_in_gaps === undefined)
    return { kind: 'unknown', why: 'this controller does not tell how often devices check in' };
  const { devices, quantiles_s, poll_interval_s } = check_in_gaps;
  return forecastPlan(plan, {
    gaps: { devices, quantilesMs: quantiles_s.map(s => s * 1000) },
    pollMs: poll_interval_s * 1000,
    takersAt: fleet === undefined ? percent => Math.round((active * percent) / 100) : takersIn(fleet),
  });
}
