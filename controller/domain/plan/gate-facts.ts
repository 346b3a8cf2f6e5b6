/** What a gated ramp can prove with this fleet, step by step. Shown before the merge: a small step proves little. */
import { decidableAt } from '../gate/decidable.ts';
import type { FleetPlan } from './fleet.ts';
import type { Plan } from './index.ts';
import { countText, percentText } from './words.ts';

/** One line a step of a gated ramp; none without a gate or without the fleet. */
export function gateFacts(plan: Plan, fleet: FleetPlan | undefined): string[] {
  const { exposure } = plan.head.state.rollout;
  if (fleet === undefined || exposure.kind !== 'ramp') return [];
  const { gate, steps } = exposure.ramp;
  if (gate === undefined) return [];
  return steps.map(({ percent }) => {
    const devices = fleet.steps.find(s => s.percent === percent)?.actualDevices ?? 0;
    const { failuresToHalt, likelyHaltedAt } = decidableAt(gate, devices);
    const at = `gate at ${percentText(percent)}`;
    if (failuresToHalt === undefined || likelyHaltedAt === undefined)
      return `${at}: ${countText(devices, 'device')} can never prove a breach [gate_undecidable]`;
    const share = percentText(Math.round(likelyHaltedAt * 1_000) / 10);
    return `${at}: ${countText(failuresToHalt, 'failure')} of ${countText(devices, 'device')} halt it; a build that fails on ${share} or more is likely stopped here`;
  });
}
