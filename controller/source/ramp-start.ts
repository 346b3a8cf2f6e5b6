/**
 * When the standing ramp began: from the store while the same ramp goes on, else from the history of rollout.yaml
 * (SPEC §2 "Ramp"), so that a store that was lost comes back to the same step.
 */
import { advanceClock, continuesRamp, type RampClock } from '../domain/ramp.ts';
import type { Rollout } from '../domain/release.ts';
import type { Standing } from '../domain/standing.ts';
import type { RolloutVersion, Source } from '../ports/index.ts';

/** More versions than any ramp has had; a bound, not a rule. */
const DEEPEST = 1_000;

export interface RampStart {
  readonly clock: RampClock;
  /** Commit time of the revision that introduced this `current` with this ramp. */
  readonly introducedAtMs: number;
}

/** Undefined when that version does not parse. */
export type ParseRollout = (version: RolloutVersion) => Rollout | undefined | Promise<Rollout | undefined>;

export async function findRampStart(
  source: Pick<Source, 'rolloutHistory'>,
  revision: string,
  head: Rollout,
  standing: Standing | undefined,
  nowMs: number,
  parseRollout: ParseRollout,
): Promise<RampStart> {
  if (standing !== undefined && continuesRamp(standing.state.rollout, head)) {
    const before = { rollout: standing.state.rollout, clock: standing.clock };
    return { clock: advanceClock(before, head, nowMs), introducedAtMs: standing.clock.startMs };
  }
  const run = await versionsOfRamp(source, revision, head, parseRollout);
  // A commit dated in the future must not begin a ramp later than the moment it is read.
  const at = (ms: number): number => Math.min(ms, nowMs);
  let state: { rollout: Rollout; clock: RampClock } | undefined;
  for (const version of run)
    state = { rollout: version.rollout, clock: advanceClock(state, version.rollout, at(version.atMs)) };
  const introducedAtMs = at(run[0]?.atMs ?? nowMs);
  return { clock: state?.clock ?? advanceClock(undefined, head, introducedAtMs), introducedAtMs };
}

/** The unbroken run of versions on this ramp, oldest first. */
async function versionsOfRamp(
  source: Pick<Source, 'rolloutHistory'>,
  revision: string,
  head: Rollout,
  parseRollout: ParseRollout,
): Promise<{ rollout: Rollout; atMs: number }[]> {
  const run: { rollout: Rollout; atMs: number }[] = [];
  let after = head;
  for await (const version of source.rolloutHistory(revision)) {
    const rollout = await parseRollout(version);
    // A version that does not parse was never applied: look through it.
    if (rollout === undefined) continue;
    if (run.length > 0 && !continuesRamp(rollout, after)) break;
    run.unshift({ rollout, atMs: version.committedAtMs });
    after = rollout;
    if (run.length >= DEEPEST || rollout.exposure.kind !== 'ramp') break;
  }
  return run;
}
