/** Which builds a change takes to more devices: what policy judges, and what it must never stop (SPEC §2). */
import type { BuildId } from '../ids.ts';
import { momentOf, percentAt } from '../ramp.ts';
import type { Build } from '../release.ts';
import { currentOf, lastSafeOf, type Standing } from '../standing.ts';

/** A build that will reach more devices, at some moment from now on, than it would without this change. */
export interface Rise {
  readonly build: Build;
  readonly role: 'current' | 'last_safe';
  /** Percent of devices it was meant for before and is meant for now. */
  readonly fromPercent: number;
  readonly toPercent: number;
  /** The most it can reach without another commit. */
  readonly finalPercent: number;
  /** Ramp steps still to come, by index, at which it passes what the base would have reached by then. */
  readonly steps: readonly { readonly index: number; readonly percent: number; readonly atMs: number }[];
}

/** Percent of devices that a standing state means a build for, suspends aside. */
export function reachOf(
  { state: { rollout, builds }, clock }: Standing,
  buildId: BuildId,
  atMs: number,
): number {
  if (builds.get(buildId)?.withdrawn !== undefined) return 0;
  if (rollout.lastSafe === buildId) return 100;
  return rollout.current === buildId && !rollout.rollback ? percentAt(rollout, clock, atMs) : 0;
}

const stepTimes = ({
  state: { rollout },
  clock,
}: Standing): { index: number; percent: number; atMs: number }[] => {
  if (rollout.exposure.kind !== 'ramp') return [];
  let elapsed = 0;
  return rollout.exposure.ramp.steps.map((step, index) => {
    const atMs = momentOf(rollout, clock, elapsed);
    elapsed += step.holdMs ?? 0;
    return { index, percent: step.percent, atMs };
  });
};

/** Is anybody left to be offered `last_safe`? A ramp only rises, so one that is at 100 leaves nobody for good. */
function hasOutside(standing: Standing, nowMs: number): boolean {
  const { rollout } = standing.state;
  return (
    rollout.lastSafe !== rollout.current &&
    (rollout.rollback || reachOf(standing, rollout.current, nowMs) < 100)
  );
}

/** Every rise that is not part of a way back. */
export function risesOf(base: Standing | undefined, head: Standing, nowMs: number): Rise[] {
  const before = (buildId: BuildId, atMs: number): number =>
    base === undefined ? 0 : reachOf(base, buildId, atMs);
  const rises: Rise[] = [];
  const roles = [
    ['current', currentOf(head)],
    ['last_safe', lastSafeOf(head)],
  ] as const;
  for (const [role, build] of roles) {
    if (build === undefined || (base !== undefined && isWayBack(base, head, build))) continue;
    if (role === 'last_safe' && !hasOutside(head, nowMs)) continue;
    const after = (atMs: number): number => reachOf(head, build.buildId, atMs);
    const steps = stepTimes(head).filter(
      s => role === 'current' && s.atMs > nowMs && after(s.atMs) > before(build.buildId, s.atMs),
    );
    const fromPercent = before(build.buildId, nowMs);
    const toPercent = after(nowMs);
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
 * Does the head lead back, and is this build part of the way? Back means that what devices should run is no newer
 * than before: a rollback, a `current` older than what stood, a `last_safe` older than the one before, or the first
 * one beside a `current` that all were offered, which no narrowing or withdrawal can do without. The build must have
 * been declared before and be no newer than what stood: a new build under the name of a rollback is a promotion.
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
