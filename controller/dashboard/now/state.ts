/** The state in one word: the most important condition wins. Pure. */
import { isRolledBack } from '../../domain/decision.ts';
import { hasArrived, subjectOf, waitsOf } from '../../domain/progress.ts';
import { percentAt, rampOf } from '../../domain/ramp/progress.ts';
import type { InForce } from './facts.ts';

export type NowState =
  /** The gate stopped the build. */
  | 'halted'
  /** A person stopped the build. */
  | 'braked'
  | 'rolled_back'
  | 'withdrawn'
  | 'suspended'
  /** The gate waits for a person. */
  | 'asks'
  /** The next step needs an approval. */
  | 'needs_approval'
  /** The ramp has no step yet. */
  | 'not_begun'
  | 'ramping'
  /** A plain percent under 100. */
  | 'fixed'
  /** 0 %. */
  | 'closed'
  /** The exposure has reached its end; devices still install the build. */
  | 'arriving'
  | 'completed';

export function stateOf({ snapshot, counted, suspended }: InForce): NowState {
  const { rollout, halts, current, progress } = snapshot;
  if (rollout.rollback) return 'rolled_back';
  if (halts.some(h => h.kind === 'gate')) return isRolledBack(snapshot) ? 'rolled_back' : 'halted';
  if (halts.length > 0) return 'braked';
  if (current.withdrawn !== undefined) return 'withdrawn';
  if (suspended) return 'suspended';
  const percent = percentAt(rollout, progress);
  if (rampOf(rollout) !== undefined) {
    const verdict = progress?.judgement?.verdict;
    if (verdict === 'waiting_for_person') return 'asks';
    if (verdict === 'waiting_for_approval') return 'needs_approval';
    if ((progress?.step ?? -1) < 0) return 'not_begun';
    if (!hasArrived(snapshot)) return 'ramping';
  }
  if (percent === 0) return 'closed';
  if (percent < 100) return 'fixed';
  const { kind } = subjectOf(snapshot);
  const done = counted !== undefined && waitsOf(kind, counted.progress, true).length === 0;
  return done ? 'completed' : 'arriving';
}
