/** How the fleet took a build: the share of active devices that run it (SPEC §1), and its course over time. */
import type { BuildId } from './ids.ts';
import type { Build } from './release.ts';

/** Active devices by what they said they run. */
export interface Running {
  /** Checked in within the window. */
  readonly active: number;
  readonly running: readonly {
    readonly versionCode: number;
    readonly buildId: BuildId | undefined;
    readonly devices: number;
  }[];
}

export interface Adoption {
  readonly buildId: BuildId;
  readonly devices: number;
  readonly activeDevices: number;
  /** 0…1; 0 while no device is active. */
  readonly ratio: number;
  /** Whole percent, cut: 100 means every active device. */
  readonly percent: number;
}

/** A device on the same version code counts unless it names another build (SPEC §4). */
export function adoptionOf(
  build: Pick<Build, 'buildId' | 'versionCode'>,
  { active, running }: Running,
): Adoption {
  const devices = running
    .filter(r => r.versionCode === build.versionCode && (r.buildId ?? build.buildId) === build.buildId)
    .reduce((sum, r) => sum + r.devices, 0);
  return {
    buildId: build.buildId,
    devices,
    activeDevices: active,
    ratio: active === 0 ? 0 : devices / active,
    percent: active === 0 ? 0 : Math.floor((devices * 100) / active),
  };
}

/** The last announced state of a build; undefined before the first. */
export interface Announced {
  readonly buildId: BuildId;
  readonly percent: number;
}

/**
 * Is `ota.adoption.progress` due? At each change of the whole percent, up or down; a build that has nobody yet is not
 * announced at 0.
 */
export function isProgress(last: Announced | undefined, now: Adoption): boolean {
  if (last === undefined || last.buildId !== now.buildId) return now.percent > 0;
  return last.percent !== now.percent;
}

export interface CurvePoint {
  readonly atMs: number;
  /** 0…1 */
  readonly ratio: number;
}

/**
 * At most `most` (≥ 2) evenly spaced points of a course that holds its value between samples, for a chart whose axis
 * has no scale of its own. The first and the last sample stay exact; `samples` ascend in time.
 */
export function evenCurve(samples: readonly CurvePoint[], most: number): CurvePoint[] {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return [];
  if (samples.length === 1 || last.atMs <= first.atMs) return [last];
  const count = Math.max(2, Math.min(most, samples.length));
  const span = last.atMs - first.atMs;
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const atMs = i === count - 1 ? last.atMs : first.atMs + Math.round((span * i) / (count - 1));
    while ((samples[at + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) at++;
    return { atMs, ratio: samples[at]?.ratio ?? 0 };
  });
}
