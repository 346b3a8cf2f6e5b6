/** The applied state at a moment: the one type that rules, policy, plan and judgement compare. */
import { makeSnapshot, type Snapshot } from './decision.ts';
import type { Halt } from './halt.ts';
import type { BuildId } from './ids.ts';
import { percentAt, type RampProgress } from './ramp/progress.ts';
import type { Build, DesiredState } from './release.ts';

/** A desired state, how far its ramp has come, and the builds that were declared before it. */
export interface Standing {
  readonly state: DesiredState;
  /** Undefined without a ramp or if unknown; an unknown progress counts as nothing exposed. */
  readonly progress: RampProgress | undefined;
  /** Halts of `current`; undefined if unknown. */
  readonly halts?: readonly Halt[] | undefined;
  /** Builds that were `current` before; undefined if unknown. */
  readonly formerCurrents?: ReadonlySet<BuildId> | undefined;
  /** Builds that were applied once and whose files are gone: an id may return only with the same facts. */
  readonly formerBuilds: ReadonlyMap<BuildId, Build>;
}

/** The standing after `state` has replaced `before`. */
export function standingAfter(
  before: Standing | undefined,
  state: DesiredState,
  progress: RampProgress | undefined,
): Standing {
  const known = [...(before?.formerBuilds ?? []), ...(before?.state.builds ?? [])];
  return { state, progress, formerBuilds: new Map(known.filter(([id]) => !state.builds.has(id))) };
}

type OnRamp = Pick<Standing, 'state' | 'progress' | 'halts'>;

export const currentOf = ({ state }: Pick<Standing, 'state'>): Build | undefined =>
  state.builds.get(state.rollout.current);

export const lastSafeOf = ({ state }: Pick<Standing, 'state'>): Build | undefined =>
  state.rollout.lastSafe === undefined ? undefined : state.builds.get(state.rollout.lastSafe);

/** Intended percent of buckets for `current` now. A suspend pauses offers but does not narrow it. */
export function intendedPercent(standing: OnRamp): number {
  const { rollout } = standing.state;
  if (rollout.rollback || currentOf(standing)?.withdrawn !== undefined) return 0;
  if ((standing.halts ?? []).length > 0) return 0;
  return percentAt(rollout, standing.progress);
}

/** The snapshot for decisions if this were applied at `nowMs`. */
export const pictureOf = ({ state, progress, halts }: OnRamp, nowMs: number): Snapshot =>
  makeSnapshot(state, { revision: '', appliedAtMs: nowMs, progress, halts });

/** The builds that devices may be offered: `current` and `last_safe`, unless they are withdrawn. */
export const offerableBuilds = (standing: Pick<Standing, 'state'>): Build[] =>
  [...new Set([currentOf(standing), lastSafeOf(standing)])].filter(
    (b): b is Build => b !== undefined && b.withdrawn === undefined,
  );
