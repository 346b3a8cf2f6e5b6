/**
 * Computes what an editing verb changes under `releases/`. The result is new values of keys, not a patch. Pure. Before
 * anything is written, the result is parsed and checked by every rule.
 */
import { type CanaryChange, changeCanary } from './canary.ts';
import type { ChangeResult, Ground } from './ground.ts';
import { changePolicy, type PolicyChange } from './policy.ts';
import { type PromoteChange, promote } from './promote.ts';
import { changeRamp, type RampChange } from './ramp.ts';
import { type RollbackChange, rollback } from './rollback.ts';
import { type RolloutChange, rollout } from './rollout.ts';
import { type SuspendChange, suspend, type UnsuspendChange, unsuspend } from './suspend.ts';
import { type WithdrawChange, withdraw } from './withdraw.ts';

export type { ChangeResult, FileEdit, Ground } from './ground.ts';

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
export function changeReleases(ground: Ground, change: Change): ChangeResult {
  switch (change.kind) {
    case 'promote':
      return promote(ground, change);
    case 'rollout':
      return rollout(ground, change);
    case 'rollback':
      return rollback(ground, change);
    case 'ramp':
      return changeRamp(ground, change);
    case 'canary':
      return changeCanary(ground, change);
    case 'suspend':
      return suspend(ground, change);
    case 'unsuspend':
      return unsuspend(ground, change);
    case 'withdraw':
      return withdraw(ground, change);
    case 'policy':
      return changePolicy(ground, change);
  }
}
