/** Does a change take back what stood, rather than lead on from it? */
import type { Snapshot } from '../decision.ts';
import type { Plan } from './index.ts';

/** A rollback, an older pointer, or what was `current` becomes withdrawn. */
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
