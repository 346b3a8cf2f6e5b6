/** What stands once a commit is applied: its ramp goes on, or a new one begins and enters its first step if it may. */
import { NO_EVIDENCE } from '../gate/evidence.ts';
import { type Halt, haltsAfter } from '../halt.ts';
import { windowAt } from '../policy/freeze.ts';
import type { DesiredState } from '../release.ts';
import { currentOf, type Standing, standingAfter } from '../standing.ts';
import { lookAt } from './look.ts';
import { carryOver, isSuspended, newRamp, type RampProgress, rampOf } from './progress.ts';

export interface Applying {
  readonly nowMs: number;
  /** Another rollout stood for a while in between, so the ramp is a new one whatever it looks like. */
  readonly broken?: boolean | undefined;
  /** The halts of the build that becomes `current`; without it those that stand. */
  readonly kept?: readonly Halt[] | undefined;
  /** No step is entered while the wall clock is not to be trusted. */
  readonly clockHeld?: boolean | undefined;
}

/** The standing that the plan tells of and that is then applied. */
export function standAfter(before: Standing | undefined, state: DesiredState, applying: Applying): Standing {
  const { rollout } = state;
  const ramp = rampOf(rollout);
  const kept = before && { rollout: before.state.rollout, progress: before.progress };
  const carried =
    ramp !== undefined && applying.broken === true
      ? newRamp(ramp, applying.nowMs, before?.progress)
      : carryOver(kept, rollout, applying.nowMs);
  const standing = { ...standingAfter(before, state, carried), stood: stoodAfter(before) };
  const { halts } = haltsAfter(
    before && { rollout: before.state.rollout, halts: before.halts ?? [] },
    rollout,
    applying.kept ?? (before?.state.rollout.current === rollout.current ? (before?.halts ?? []) : []),
  );
  const whole = { ...standing, halts };
  return { ...whole, progress: begun(whole, before, applying) };
}

const stoodAfter = (before: Standing | undefined): ReadonlySet<string> | undefined =>
  before?.stood === undefined ? undefined : new Set([...before.stood, before.state.rollout.current]);

/** Only the first step is entered by a commit; all others wait for a look. */
function begun(
  standing: Standing,
  before: Standing | undefined,
  { nowMs, clockHeld = false }: Applying,
): RampProgress | undefined {
  const { progress, state } = standing;
  const ramp = rampOf(state.rollout);
  if (ramp === undefined || progress === undefined || progress.step >= 0) return progress;
  const windows = (before ?? standing).state.policy?.freezeWindows ?? [];
  return lookAt(ramp, progress, {
    nowMs,
    servedMs: 0,
    pollMs: 0,
    evidence: {
      ...NO_EVIDENCE,
      clockHeld,
      suspended: isSuspended(state.rollout, nowMs),
      frozen: windowAt(windows, nowMs) !== undefined,
    },
    closed:
      state.rollout.rollback ||
      currentOf(standing)?.withdrawn !== undefined ||
      (standing.halts ?? []).length > 0,
  }).progress;
}
