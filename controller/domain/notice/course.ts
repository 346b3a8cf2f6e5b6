/** When a rollout's completion is news: once for each course, which is where the fleet is led and how far. */
import type { Snapshot } from '../decision.ts';
import { subjectOf } from '../progress.ts';
import { finalPercent } from '../ramp/progress.ts';

/** Kept over restarts. */
export interface Course {
  readonly name: string;
  /** Its completion was told. */
  readonly told: boolean;
}

/** Equal as long as the fleet is led to the same build, to the same end, by the same ramp. Edits of words keep it. */
export function courseName(picture: Snapshot): string {
  const { buildId, kind } = subjectOf(picture);
  const { rollout, progress } = picture;
  return JSON.stringify([kind, buildId, rollout.current, finalPercent(rollout), progress?.rampId ?? 0]);
}

/** What to keep from now on, and whether to tell; undefined: as it was. */
export function lookAtCourse(
  kept: Course | undefined,
  name: string,
  complete: boolean,
): { readonly keep: Course; readonly tell: boolean } | undefined {
  if (kept?.name === name && (kept.told || !complete)) return undefined;
  return { keep: { name, told: complete }, tell: complete };
}
