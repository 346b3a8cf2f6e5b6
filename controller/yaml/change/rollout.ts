/** `rollout`: offers the current build to more or fewer devices. */
import { type ChangeResult, type EditInput, editOf, refuse } from './edit-input.ts';
import { keptNotes } from './promote.ts';

export interface RolloutChange {
  readonly kind: 'rollout';
  readonly percent: number;
  readonly reason?: string | undefined;
}

export function rollout(input: EditInput, change: RolloutChange): ChangeResult {
  const { rollout: now, builds } = input;
  if (now.rollback)
    return refuse(
      'rolled_back',
      `${now.current} is rolled back, so its percentage has no effect`,
      `to start it again: ota promote ${now.current} --percent ${change.percent}`,
    );
  const withdrawn = builds.get(now.current)?.withdrawn;
  if (withdrawn !== undefined && change.percent > 0)
    return refuse(
      'current_withdrawn',
      `${now.current} is withdrawn (${withdrawn.reason}) and offered to no device`,
      'promote another build',
    );
  return editOf(
    `roll ${now.current} out to ${change.percent} %`,
    {
      rollout_percent: change.percent,
      ramp: undefined,
      ...(change.reason === undefined ? {} : { reason: change.reason }),
    },
    keptNotes(now, true, true),
  );
}
