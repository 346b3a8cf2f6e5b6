/**
 * The guardrails of `policy.yaml` (SPEC §2), read at the base revision. CI and the controller judge by the same code.
 * Only rises are judged: a rollback, a withdrawal, a suspend and a narrowing always pass.
 */

import { timeText } from '../plan/words.ts';
import type { Finding, ProblemCode } from '../problem.ts';
import { isSuspended } from '../ramp/progress.ts';
import { allSigners, type FreezeWindow, type Policy, type Rollout } from '../release.ts';
import { currentOf, lastSafeOf, type Standing } from '../standing.ts';
import { firstOpenMs, windowAt } from './freeze.ts';
import { isWayBack, type Rise, reachOf, risesOf } from './rise.ts';

/** Errors only; empty if the change follows the policy or is a way back. `nowMs`: when it would be applied. */
export function checkPolicy(policy: Policy, base: Standing, head: Standing, nowMs: number): Finding[] {
  const rises = risesOf(base, head, nowMs);
  return [
    ...rises.flatMap(rise => [
      ...checkPercents(policy, rise, head.state.rollout),
      ...checkJumps(policy, rise, head.state.rollout),
    ]),
    ...checkFreeze(policy, rises, base, head, nowMs),
    ...checkSigners(policy, base, head),
  ];
}

/** How many reviewers must approve: the largest number whose threshold the predicted exposure exceeds; 0 for a way back. */
export function approvalsNeeded(
  policy: Policy,
  base: Standing | undefined,
  head: Standing,
  nowMs: number,
): number {
  const reach = Math.max(0, ...risesOf(base, head, nowMs).map(r => r.finalPercent));
  return Math.max(0, ...policy.approvals.filter(a => reach > a.abovePercent).map(a => a.approvals));
}

const finding = (
  code: ProblemCode,
  path: readonly (string | number)[],
  message: string,
  hint: string,
): Finding => ({ severity: 'error', code, file: 'rollout.yaml', path, message, hint });

const percentPath = ({ exposure }: Rollout, index: number): (string | number)[] =>
  exposure.kind === 'ramp' ? ['ramp', 'steps', index, 'percent'] : ['rollout_percent'];

function* checkPercents({ allowedPercents }: Policy, rise: Rise, rollout: Rollout): Generator<Finding> {
  if (allowedPercents === undefined || rise.role !== 'current') return;
  const named =
    rollout.exposure.kind === 'percent'
      ? [{ index: 0, percent: rollout.exposure.percent }]
      : [...rollout.exposure.ramp.steps.entries()].map(([index, s]) => ({ index, percent: s.percent }));
  for (const { index, percent } of named)
    if (percent > rise.fromPercent && !allowedPercents.includes(percent))
      yield finding(
        'policy_percent',
        percentPath(rollout, index),
        `the policy does not allow ${percent} %`,
        `allowed are: ${allowedPercents.join(', ')}`,
      );
}

/** Compares hundredths of a point, so that 50.1 − 25.1 is 25. */
const exceeds = (from: number, to: number, max: number): boolean =>
  Math.round(to * 100) - Math.round(from * 100) > Math.round(max * 100);

function* checkJumps({ maxJumpPercent }: Policy, rise: Rise, rollout: Rollout): Generator<Finding> {
  if (maxJumpPercent === undefined) return;
  const hint = `the policy allows a rise of ${maxJumpPercent} points at once`;
  const { fromPercent, toPercent, build } = rise;
  if (exceeds(fromPercent, toPercent, maxJumpPercent))
    yield finding(
      'policy_jump',
      rise.role === 'last_safe'
        ? ['last_safe']
        : rollout.exposure.kind === 'ramp'
          ? ['ramp']
          : ['rollout_percent'],
      `${build.buildId} would go from ${fromPercent} % to ${toPercent} % of the fleet with this merge`,
      hint,
    );
  let before = Math.max(fromPercent, toPercent);
  for (const step of rise.steps) {
    if (exceeds(before, step.percent, maxJumpPercent))
      yield finding(
        'policy_jump',
        percentPath(rollout, step.index),
        `step ${step.index + 1} of the ramp rises from ${before} % to ${step.percent} %`,
        hint,
      );
    before = step.percent;
  }
}

function* checkFreeze(
  { freezeWindows }: Policy,
  rises: readonly Rise[],
  base: Standing,
  head: Standing,
  nowMs: number,
): Generator<Finding> {
  if (freezeWindows.length === 0) return;
  const { rollout } = head.state;
  const ends = firstOpenMs(freezeWindows, nowMs);
  const until = ends === undefined ? 'without an end in sight' : `until ${timeText(ends)}`;
  const hint = (w: FreezeWindow): string => `freeze in ${w.timeZone} ${until}: ${w.reason}`;
  const open = windowAt(freezeWindows, nowMs);
  const risesNow = rises.find(r => r.toPercent > r.fromPercent);
  if (open !== undefined && risesNow !== undefined)
    yield finding(
      'policy_freeze',
      risesNow.role === 'last_safe'
        ? ['last_safe']
        : rollout.exposure.kind === 'ramp'
          ? ['ramp']
          : ['rollout_percent'],
      `exposure of ${risesNow.build.buildId} may not rise from ${risesNow.fromPercent} % to ${risesNow.toPercent} % in a freeze window`,
      hint(open),
    );
  else if (open !== undefined && endsSuspend(base, head, nowMs))
    yield finding('policy_freeze', [], 'a suspend may not be ended in a freeze window', hint(open));
}

/** True if the change ends a suspend. Going back to `last_safe` is always allowed. */
const endsSuspend = (base: Standing, head: Standing, nowMs: number): boolean =>
  isSuspended(base.state.rollout, nowMs) &&
  !isSuspended(head.state.rollout, nowMs) &&
  reachOf(head, head.state.rollout.current, nowMs) > 0 &&
  head.state.rollout.current !== base.state.rollout.lastSafe;

/** A build may become `current`, at any percentage, or `last_safe` only if all its keys are pinned. */
function* checkSigners({ pinnedSigners }: Policy, base: Standing, head: Standing): Generator<Finding> {
  if (pinnedSigners === undefined) return;
  const { rollout } = base.state;
  const served = [rollout.current, rollout.lastSafe];
  const roles = [
    ['current', currentOf(head)],
    ['last_safe', lastSafeOf(head)],
  ] as const;
  for (const [role, build] of roles) {
    if (build === undefined || served.includes(build.buildId) || isWayBack(base, head, build)) continue;
    const strange = allSigners(build).filter(f => !pinnedSigners.includes(f));
    if (strange.length > 0)
      yield finding(
        'policy_signer',
        [role],
        `${build.buildId} is signed with ${strange.join(', ')}, which is not pinned in the policy`,
        `pinned are: ${pinnedSigners.join(', ')}`,
      );
  }
}
