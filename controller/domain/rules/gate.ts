/** Rules of a ramp's gate and approvals (GATES §1). */
import { durationText, HOUR_MS } from '../duration.ts';
import type { Finding } from '../problem.ts';
import { continuesRamp, rampOf } from '../ramp/progress.ts';
import type { DesiredState, Ramp, RampStep, Rollout } from '../release.ts';
import type { Standing } from '../standing.ts';
import { error, inRollout, warning } from './finding.ts';
import { isReturnToFormer } from './ramp.ts';
import type { RuleTimes } from './times.ts';

/** What agents are asked to poll by default. */
const POLL_MS = 6 * HOUR_MS;

export function* checkGate(
  { rollout, builds }: DesiredState,
  { pollMs = POLL_MS }: RuleTimes,
): Generator<Finding> {
  const ramp = rampOf(rollout);
  const gate = ramp?.gate;
  if (ramp === undefined || gate === undefined) return;
  if (gate.silenceAfterMs < 2 * pollMs)
    yield error(
      'gate_silence_after',
      inRollout('ramp', 'gate', 'silence_after'),
      `silence_after is ${durationText(gate.silenceAfterMs)}, less than two poll intervals of ${durationText(pollMs)}: every device would seem silent`,
      `write at least ${durationText(2 * pollMs)}; three intervals, ${durationText(3 * pollMs)}, are usual`,
    );
  const current = builds.get(rollout.current);
  const lastSafe = rollout.lastSafe === undefined ? undefined : builds.get(rollout.lastSafe);
  const older = (current?.versionCode ?? 0) < (lastSafe?.versionCode ?? 0);
  if (gate.onBreach === 'rollback' && older)
    yield error(
      'gate_rollback',
      inRollout('ramp', 'gate', 'on_breach'),
      `current ${rollout.current} is older than last_safe, so a breach would take devices forward again`,
      'write on_breach: halt',
    );
  const [first] = ramp.steps;
  if (first?.holdMs !== undefined && first.holdMs < gate.silenceAfterMs)
    yield warning(
      'gate_hold_short',
      inRollout('ramp', 'steps', 0, 'hold'),
      `the first step may be over after ${durationText(first.holdMs)}, before a device that it bricks counts as silent (${durationText(gate.silenceAfterMs)})`,
      'hold the first step for at least silence_after',
    );
  if (ramp.steps.length === 1)
    yield warning(
      'gate_no_brake',
      inRollout('ramp', 'steps'),
      'with one step the gate can halt the build, but only after all devices of the ramp are exposed',
      'begin with a small step',
    );
}

const shapeOf = (steps: readonly RampStep[]): string =>
  JSON.stringify(steps.map(s => [s.percent, s.approval === true]));

/** An approval is a separate commit, made after the earlier steps were applied and went well. */
export function* checkApproval(head: DesiredState, base: Standing | undefined): Generator<Finding> {
  const ramp = rampOf(head.rollout);
  if (ramp?.approvedPercent === undefined || base === undefined || isReturnToFormer(head, base)) return;
  const was = base.state.rollout;
  const before = rampOf(was);
  const raised = ramp.approvedPercent > (before?.approvedPercent ?? -1);
  const anew =
    before === undefined ||
    !continuesRamp(was, head.rollout) ||
    shapeOf(before.steps) !== shapeOf(ramp.steps);
  if (raised && anew && needsApproval(ramp))
    yield error(
      'approval_early',
      inRollout('ramp', 'approved_percent'),
      'approved_percent must not be raised in the commit that introduces the ramp or changes its steps',
      'leave it out here, and raise it in a later commit once the earlier steps went well',
    );
}

const needsApproval = ({ steps }: Ramp): boolean => steps.some(s => s.approval === true);

/** Warns about percents that look like fractions, and about a seed that makes the same devices first again. */
export function* warnExposure({ rollout }: DesiredState, base: Standing | undefined): Generator<Finding> {
  const percents = percentsOf(rollout);
  const most = Math.max(0, ...percents);
  // A plain 1 is a usual first step, but a ramp that ends at 1 is probably a mistake.
  if (most > 0 && (rollout.exposure.kind === 'ramp' ? most <= 1 : most < 1))
    yield warning(
      'percent_fraction',
      rollout.exposure.kind === 'ramp' ? inRollout('ramp', 'steps') : inRollout('rollout_percent'),
      `no percent is above 1: at most one device of a hundred is exposed`,
      'percents go to 100: half of the fleet is 50, not 0.5',
    );
  const was = base?.state.rollout;
  const partly = percents.some(p => p > 0 && p < 100);
  if (was === undefined || was.current === rollout.current || !partly || rollout.rollback) return;
  const forward =
    (base?.state.builds.get(was.current)?.versionCode ?? 0) <
    (base?.state.builds.get(rollout.current)?.versionCode ?? Number.POSITIVE_INFINITY);
  const werePartly = percentsOf(was).some(p => p > 0 && p < 100);
  if (forward && werePartly && was.cohortSeed === rollout.cohortSeed)
    yield warning(
      'cohort_seed_reused',
      inRollout('cohort_seed'),
      `cohort_seed is the same as for ${was.current}: the same devices would be first again`,
      `write another one, such as ${JSON.stringify(`${rollout.current}.0`)}; ota promote chooses one`,
    );
}

const percentsOf = ({ exposure }: Rollout): readonly number[] =>
  exposure.kind === 'percent' ? [exposure.percent] : exposure.ramp.steps.map(s => s.percent);
