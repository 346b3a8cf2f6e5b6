/** Whether a change goes back rather than forward. */
import type { Snapshot } from '../decision.ts';
import type { Plan } from './index.ts';

/** True for a rollback, an older `current`, or when the former `current` is withdrawn. */
export function isWayBack(
  before: Snapshot | undefined,
  after: Snapshot,
  plan: Pick<Plan, 'transitions'>,
): boolean {
  if (plan.transitions.some(t => t.kind === 'rollback')) return true;
  if (before === undefined) return false;
  const { buildId, withdrawn } = before.current;
  return withdrawn === undefined && after.state.builds.get(buildId)?.withdrawn !== undefined;
}
