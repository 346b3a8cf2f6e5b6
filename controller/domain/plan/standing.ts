/** A desired state together with the ramp clock it stands on: what a plan compares. */
import { makeSnapshot, type Snapshot } from '../decision.ts';
import { percentAt, type RampClock } from '../ramp.ts';
import type { Build, DesiredState } from '../release.ts';

export interface Standing {
  readonly state: DesiredState;
  readonly clock: RampClock;
}

export const currentOf = ({ state }: Standing): Build | undefined => state.builds.get(state.rollout.current);

export const lastSafeOf = ({ state }: Standing): Build | undefined =>
  state.rollout.lastSafe === undefined ? undefined : state.builds.get(state.rollout.lastSafe);

/** Percent of buckets that `current` is meant for at a moment: a suspend pauses offers but does not narrow it. */
export function reachAt(standing: Standing, nowMs: number): number {
  const { rollout } = standing.state;
  if (rollout.rollback || currentOf(standing)?.withdrawn !== undefined) return 0;
  return percentAt(rollout, standing.clock, nowMs);
}

/** The picture that decisions of this standing are made from, as if it were applied at `nowMs`. */
export const pictureOf = ({ state, clock }: Standing, nowMs: number): Snapshot =>
  makeSnapshot(state, { revision: '', appliedAtMs: nowMs, clock });
