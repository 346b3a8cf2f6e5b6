/** Which builds a change offers to more devices: policy judges them, but must never stop a way back (SPEC §2). */
import type { BuildId } from '../ids.ts';
import { forecast, percentBy } from '../ramp/forecast.ts';
import { percentOnceOpen } from '../ramp/progress.ts';
import type { Build } from '../release.ts';
import { currentOf, lastSafeOf, type Standing } from '../standing.ts';

/** A build that will reach more devices, at some moment from now on, than it would without this change. */
export interface Rise {
  readonly build: Build;
  readonly role: 'current' | 'last_safe';
  /** Intended percent of devices before and after the change. */
  readonly fromPercent: number;
  readonly toPercent: number;
  /** The most it can reach without another commit. */
  readonly finalPercent: number;
  /** Later ramp steps, by index, whose percent is above what the base would have reached by then. */
  readonly steps: readonly { readonly index: number; readonly percent: number }[];
}

/**
 * Percent of devices that an applied state intends for a build, now or later if its ramp never waits. Suspends, halts
 * and a freeze window before the first step are ignored: they end without a commit, so the exposure after them must
 * be judged now.
 */
export function reachOf(
  { state: { rollout, builds, policy }, progress }: Standing,
  buildId: BuildId,
  nowMs: number,
  atMs = nowMs,
): number {
  if (builds.get(buildId)?.withdrawn !== undefined) return 0;
  if (rollout.lastSafe === buildId) return 100;
  if (rollout.current !== buildId || rollout.rollback) return 0;
  if (atMs <= nowMs) return percentOnceOpen(rollout, progress, nowMs);
  // A ramp whose progress is not known may not have begun.
  if (rollout.exposure.kind === 'ramp' && progress === undefined) return 0;
  return percentBy(rollout, progress, nowMs, atMs, policy?.freezeWindows ?? []);
}

/** True if some devices are outside the rollout. A ramp only rises, so at 100 % none is left for good. */
function hasOutside(standing: Standing, nowMs: number): boolean {
  const { rollout } = standing.state;
  return (
    rollout.lastSafe !== rollout.current &&
    (rollout.rollback || reachOf(standing, rollout.current, nowMs) < 100)
  );
}

/** Later steps with the earliest start of each; a step that a freeze blocks for good comes last. */
const stepsAhead = ({ state: { rollout, policy, builds }, progress }: Standing, nowMs: number) =>
  rollout.rollback || builds.get(rollout.current)?.withdrawn !== undefined
    ? []
    : forecast(rollout, progress, nowMs, policy?.freezeWindows ?? [])
        .filter(step => step.state === 'next')
        .map(({ index, percent, atMs = Number.POSITIVE_INFINITY }) => ({ index, percent, atMs }));

/** Every rise that is not part of a way back. */
export function risesOf(base: Standing | undefined, head: Standing, nowMs: number): Rise[] {
  const before = (buildId: BuildId, atMs: number): number =>
    base === undefined ? 0 : reachOf(base, buildId, nowMs, atMs);
  const rises: Rise[] = [];
  const roles = [
    ['current', currentOf(head)],
    ['last_safe', lastSafeOf(head)],
  ] as const;
  for (const [role, build] of roles) {
    if (build === undefined || (base !== undefined && isWayBack(base, head, build))) continue;
    if (role === 'last_safe' && !hasOutside(head, nowMs)) continue;
    const fromPercent = before(build.buildId, nowMs);
    const toPercent = reachOf(head, build.buildId, nowMs);
    const steps = stepsAhead(head, nowMs).filter(
      s => role === 'current' && s.percent > toPercent && s.percent > before(build.buildId, s.atMs),
    );
    if (toPercent > fromPercent || steps.length > 0)
      rises.push({
        build,
        role,
        fromPercent,
        toPercent,
        finalPercent: Math.max(toPercent, ...steps.map(s => s.percent)),
        steps,
      });
  }
  return rises;
}

/**
 * True if the head leads back and this build is part of the way back. A head leads back when devices should run nothing
 * newer than before: a rollback, an older `current`, an older `last_safe`, or a first `last_safe` beside a `current`
 * that was offered to all (narrowing or withdrawing that build needs one). The build must be declared before and not be
 * newer than the former `current`: a new build that calls itself a rollback is a promotion.
 */
export function isWayBack(base: Standing, head: Standing, build: Build): boolean {
  const stood = currentOf(base);
  const target = head.state.rollout.rollback ? lastSafeOf(head) : currentOf(head);
  if (stood === undefined || target === undefined) return false;
  const { rollout: was } = base.state;
  const standing = lastSafeOf(base);
  const stoodAlone = standing === undefined || standing === stood;
  const back =
    (stoodAlone && build === lastSafeOf(head) && currentOf(head)?.buildId === stood.buildId) ||
    (build === lastSafeOf(head) && standing !== undefined && build.versionCode < standing.versionCode) ||
    (head.state.rollout.rollback && !was.rollback) ||
    target.versionCode < (was.rollback ? (standing ?? stood) : stood).versionCode;
  const known = base.state.builds.has(build.buildId) || base.formerBuilds.has(build.buildId) === true;
  return back && known && build.versionCode <= stood.versionCode && build.buildId !== stood.buildId;
}
