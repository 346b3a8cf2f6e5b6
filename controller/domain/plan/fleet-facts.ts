/** Effects on devices that the YAML does not show: one line each, shared by text and Markdown. */
import type { FleetPlan } from './fleet.ts';
import type { Plan } from './index.ts';
import { countText, percentText } from './words.ts';

const MOST_TAGS = 10;

export function fleetFacts({ exposure, head, dangers }: Plan, fleet: FleetPlan): string[] {
  const { current } = head.state.rollout;
  const { leaving, leavingWithCurrent, cutOff, strayCanaries } = fleet;
  const to = percentText(exposure.toPercent);
  return [
    ...(leaving > 0
      ? [
          `${countText(leaving, 'device')} leave the rollout of ${current}, which narrows to ${to}; ${leavingWithCurrent} of them run it and keep it`,
        ]
      : []),
    ...(cutOff > 0
      ? [`${countText(cutOff, 'device')} cut off: Android on them is too old for ${current} (min_sdk)`]
      : []),
    ...(dangers.some(d => d.kind === 'baseline_unproven')
      ? [
          `${fleet.onLastSafe} of ${countText(fleet.devices, 'device')} run ${head.state.rollout.lastSafe ?? ''}, which becomes last_safe for all devices outside the rollout`,
        ]
      : []),
    ...(strayCanaries.tags.length > 0
      ? [
          `no enrolled device carries the canary ${strayCanaries.tags.length === 1 ? 'tag' : 'tags'} ${strayCanaries.tags.slice(0, MOST_TAGS).join(', ')}`,
        ]
      : []),
    ...(strayCanaries.devices > 0
      ? [`${countText(strayCanaries.devices, 'canary device')} named but not enrolled: a typo?`]
      : []),
    ...(fleet.ahead > 0 ? [`${countText(fleet.ahead, 'device')} on a newer version, staying there`] : []),
    ...(fleet.signerMismatch > 0
      ? [`${countText(fleet.signerMismatch, 'device')} kept back: signed with another key`]
      : []),
  ];
}

/** True for a percent below the present exposure. Its row would show a narrowing that nobody asked for. */
export const isBelowToday = ({ exposure }: Plan, percent: number): boolean =>
  percent < Math.min(exposure.fromPercent, exposure.toPercent);
