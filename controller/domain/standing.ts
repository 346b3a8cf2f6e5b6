/** What stands at a moment: the one type that rules, policy, plan and judgement compare. */
import { makeSnapshot, type Snapshot } from './decision.ts';
import type { BuildId } from './ids.ts';
import { percentAt, type RampClock } from './ramp.ts';
import type { Build, DesiredState } from './release.ts';

/** A desired state, the clock of its ramp, and the builds that were declared before it. */
export interface Standing {
  readonly state: DesiredState;
  readonly clock: RampClock;
  /** Builds that were applied once and whose files are gone: an id returns only with the same facts. */
  readonly formerBuilds: ReadonlyMap<BuildId, Build>;
}

/** What stands once `state` has replaced `before`. */
export function standingAfter(before: Standing | undefined, state: DesiredState, clock: RampClock): Standing {
  const known = [...(before?.formerBuilds ?? []), ...(before?.state.builds ?? [])];
  return { state, clock, formerBuilds: new Map(known.filter(([id]) => !state.builds.has(id))) };
}

type Timed = Pick<Standing, 'state' | 'clock'>;

export const currentOf = ({ state }: Pick<Standing, 'state'>): Build | undefined =>
  state.builds.get(state.rollout.current);

export const lastSafeOf = ({ state }: Pick<Standing, 'state'>): Build | undefined =>
  state.rollout.lastSafe === undefined ? undefined : state.builds.get(state.rollout.lastSafe);

/** Percent of buckets that `current` is meant for at a moment. A suspend pauses offers but does not narrow it. */
export function reachAt(standing: Timed, nowMs: number): number {
  const { rollout } = standing.state;
  if (rollout.rollback || currentOf(standing)?.withdrawn !== undefined) return 0;
  return percentAt(rollout, standing.clock, nowMs);
}

/** The snapshot that decisions would be made from if this were applied at `nowMs`. */
export const pictureOf = ({ state, clock }: Timed, nowMs: number): Snapshot =>
  makeSnapshot(state, { revision: '', appliedAtMs: nowMs, clock });

/** The builds that devices may be offered: `current` and `last_safe`, unless they are withdrawn. */
export const offerableBuilds = (standing: Pick<Standing, 'state'>): Build[] =>
  [...new Set([currentOf(standing), lastSafeOf(standing)])].filter(
    (b): b is Build => b !== undefined && b.withdrawn === undefined,
  );
