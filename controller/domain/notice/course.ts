/** A rollout's completion is announced once per course. A course is the target build and how far it is rolled out. */
import type { Snapshot } from '../decision.ts';
import { subjectOf } from '../progress.ts';
import { finalPercent } from '../ramp/progress.ts';

/** Kept over restarts. */
export interface RolloutCourse {
  readonly name: string;
  /** Its completion was announced. */
  readonly told: boolean;
}

/** Equal while the target build, the final exposure and the ramp stay the same. Edits of free text do not change it. */
export function courseName(picture: Snapshot): string {
  const { buildId, kind } = subjectOf(picture);
  const { rollout, progress } = picture;
  return JSON.stringify([kind, buildId, rollout.current, finalPercent(rollout), progress?.rampId ?? 0]);
}

/** What to store from now on, and whether to announce; undefined: no change. */
export function lookAtCourse(
  kept: RolloutCourse | undefined,
  name: string,
  complete: boolean,
): { readonly keep: RolloutCourse; readonly tell: boolean } | undefined {
  if (kept?.name === name && (kept.told || !complete)) return undefined;
  return { keep: { name, told: complete }, tell: complete };
}
