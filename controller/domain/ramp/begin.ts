/** The standing after a commit is applied: the ramp goes on, or a new one begins and enters its first step if allowed. */
import { NO_EVIDENCE } from '../gate/evidence.ts';
import { type Halt, haltsAfter } from '../halt.ts';
import { windowAt } from '../policy/freeze.ts';
import type { DesiredState } from '../release.ts';
import { currentOf, type Standing, standingAfter } from '../standing.ts';
import { lookAt } from './look.ts';
import { carryOver, isSuspended, newRamp, type RampProgress, rampOf } from './progress.ts';

export interface Applying {
  readonly nowMs: number;
  /** Git held a different rollout in between, so the ramp is a new one even if it looks the same. */
  readonly broken?: boolean | undefined;
  /** The halts of the build that becomes `current`; if absent, the halts in `before`. */
  readonly kept?: readonly Halt[] | undefined;
  /** True while the wall clock cannot be trusted; then no step is entered. */
  readonly clockHeld?: boolean | undefined;
}

/** The standing that the plan describes and that is then applied. */
export function standingOnceApplied(
  before: Standing | undefined,
  state: DesiredState,
  applying: Applying,
): Standing {
  const { rollout } = state;
  const ramp = rampOf(rollout);
  const onRamp = before && { rollout: before.state.rollout, progress: before.progress };
  const carried =
    ramp !== undefined && applying.broken === true
      ? newRamp(ramp, applying.nowMs, before?.progress)
      : carryOver(onRamp, rollout, applying.nowMs);
  const standing = { ...standingAfter(before, state, carried), formerCurrents: formerCurrentsAfter(before) };
  const kept =
    applying.kept ?? (before?.state.rollout.current === rollout.current ? before?.halts : undefined);
  const whole = { ...standing, halts: haltsAfter(rollout, kept ?? []) };
  return { ...whole, progress: begun(whole, before, applying) };
}

const formerCurrentsAfter = (before: Standing | undefined): ReadonlySet<string> | undefined =>
  before?.formerCurrents === undefined
    ? undefined
    : new Set([...before.formerCurrents, before.state.rollout.current]);

/** A commit can enter only the first step; all others wait for a look. */
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
