/**
 * How fast nudges may go (SPEC §8): each answered nudge is an APK download, so the pace is limited by the bandwidth.
 * Pure arithmetic; milliseconds in, counts out.
 */

/** The rate grows evenly from nothing over `rampUpMs` and then stays. */
export interface Pace {
  readonly perSecond: number;
  readonly rampUpMs: number;
}

/** 600,000 a minute, FCM's default quota. */
const MOST_PER_SECOND = 10_000;
const RAMP_UP_MS = 60_000;
const LEAST_PER_SECOND = 0.1;

/**
 * The configured rate, else what the download budget allows for an APK of this size; never above
 * {@link MOST_PER_SECOND}. If neither is set, there is no ramp-up and only that bound applies.
 */
export function nudgePace(settings: { perSecond: number; budgetMbps: number }, apkSizeBytes: number): Pace {
  const { perSecond, budgetMbps } = settings;
  if (perSecond > 0) return { perSecond: Math.min(MOST_PER_SECOND, perSecond), rampUpMs: RAMP_UP_MS };
  if (budgetMbps === 0) return { perSecond: MOST_PER_SECOND, rampUpMs: 0 };
  const carried = (budgetMbps * 125_000) / apkSizeBytes;
  return {
    perSecond: Math.min(MOST_PER_SECOND, Math.max(LEAST_PER_SECOND, carried)),
    rampUpMs: RAMP_UP_MS,
  };
}

/** Nudges a second at `elapsedMs` into a run. */
export const rateAt = ({ perSecond, rampUpMs }: Pace, elapsedMs: number): number =>
  elapsedMs >= rampUpMs ? perSecond : perSecond * (elapsedMs / rampUpMs);

/** How many nudges may have gone out `elapsedMs` into a run. */
export function allowance({ perSecond, rampUpMs }: Pace, elapsedMs: number): number {
  const ramping = Math.min(elapsedMs, rampUpMs);
  const full = Math.max(0, elapsedMs - rampUpMs);
  return (perSecond / 1000) * ((rampUpMs === 0 ? 0 : (ramping * ramping) / (2 * rampUpMs)) + full);
}

/** The first moment, ms into a run, at which `count` nudges are allowed. */
export function allowedAtMs({ perSecond, rampUpMs }: Pace, count: number): number {
  const perMs = perSecond / 1000;
  const ramped = (perMs * rampUpMs) / 2;
  return count <= ramped ? Math.sqrt((2 * rampUpMs * count) / perMs) : rampUpMs + (count - ramped) / perMs;
}
