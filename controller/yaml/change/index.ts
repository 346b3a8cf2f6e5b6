/**
 * Computes what an editing verb changes under `releases/`. The result is new values of keys, not a patch. Pure. Before
 * anything is written, the result is parsed and checked by every rule.
 */
import { type CanaryChange, changeCanary } from './canary.ts';
import type { ChangeResult, EditInput } from './edit-input.ts';
import { changePolicy, type PolicyChange } from './policy.ts';
import { type PromoteChange, promote } from './promote.ts';
import { changeRamp, type RampChange } from './ramp.ts';
import { type RollbackChange, rollback } from './rollback.ts';
import { type RolloutChange, rollout } from './rollout.ts';
import { type SuspendChange, suspend, type UnsuspendChange, unsuspend } from './suspend.ts';
import { type WithdrawChange, withdraw } from './withdraw.ts';

export type { ChangeResult, EditInput, FileEdit } from './edit-input.ts';

export type Change =
  | PromoteChange
  | RolloutChange
  | RollbackChange
  | RampChange
  | CanaryChange
  | SuspendChange
  | UnsuspendChange
  | WithdrawChange
  | PolicyChange;

/** The keys to write, or why the change is refused. */
export function changeReleases(input: EditInput, change: Change): ChangeResult {
  switch (change.kind) {
    case 'promote':
      return promote(input, change);
    case 'rollout':
      return rollout(input, change);
    case 'rollback':
      return rollback(input, change);
    case 'ramp':
      return changeRamp(input, change);
    case 'canary':
      return changeCanary(input, change);
    case 'suspend':
      return suspend(input, change);
    case 'unsuspend':
      return unsuspend(input, change);
    case 'withdraw':
      return withdraw(input, change);
    case 'policy':
      return changePolicy(input, change);
  }
}
