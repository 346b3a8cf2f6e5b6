/**
 * Who is nudged: the devices whose decision just became an offer, and nobody else (SPEC §8). Pure. A campaign compares
 * what stood before with what stands now; one that is superseded midway hands its unreached devices to the next.
 */
import { type Decision, type Device, decide, type Snapshot } from './decision.ts';
import type { DeviceId } from './ids.ts';

/** A picture at a moment; `snapshot` undefined: nothing was offered before. */
export interface Moment {
  readonly snapshot: Snapshot | undefined;
  readonly atMs: number;
}

/** For devices after `after` in id order, this was the last picture they were reached under. */
export interface Segment {
  readonly after: DeviceId;
  readonly before: Moment;
}

/** Ascending by `after`; the first one starts at '' and covers every device. */
export type Segments = readonly [Segment, ...Segment[]];

/** Id order is that of UTF-16 code units, as SQLite's BINARY collation orders these ASCII ids. */
export const momentFor = (segments: Segments, deviceId: DeviceId): Moment =>
  (segments.findLast(s => deviceId > s.after || s.after === '') ?? segments[0]).before;

const decisionAt = ({ snapshot, atMs }: Moment, device: Device): Decision | undefined =>
  snapshot === undefined ? undefined : decide(snapshot, device, atMs);

/** The build this device newly gets an offer of; undefined when it has none or had the same one before. */
export function newOffer(before: Moment, now: Moment, device: Device): string | undefined {
  const is = decisionAt(now, device);
  if (is?.kind !== 'offer') return undefined;
  const was = decisionAt(before, device);
  return was?.kind === 'offer' && was.build.buildId === is.build.buildId ? undefined : is.build.buildId;
}

const MOST_SEGMENTS = 8;

/**
 * The segments of a newer campaign once one that was stopped after `reached` ('' when it reached nobody) hands its
 * unreached devices over: each is compared with the oldest picture it was last settled under.
 * Past eight segments the newer pictures count, so that a storm of commits nudges rather fewer than all twice.
 */
export function inherit(newer: Segments, stopped: Segments, reached: DeviceId): Segments {
  const places = [...new Set([reached, ...newer.map(s => s.after), ...stopped.map(s => s.after)])].sort();
  const merged = places.map((after): Segment => {
    const own = momentFrom(newer, after);
    const theirs = momentFrom(stopped, after);
    return { after, before: after >= reached && theirs.atMs < own.atMs ? theirs : own };
  });
  const [first = newer[0], ...rest] = merged.filter((s, i) => s.before !== merged[i - 1]?.before);
  return rest.length < MOST_SEGMENTS ? [first, ...rest] : newer;
}

/** What counts for the devices that follow `after`. */
const momentFrom = (segments: Segments, after: DeviceId): Moment =>
  (segments.findLast(s => s.after <= after) ?? segments[0]).before;

// ---------------------------------------------------------------- pace

export const MOST_PER_SECOND = 10_000;
const RAMP_UP_MS = 60_000;

/**
 * Nudges a second: as set, else what the download budget can carry of this APK, never above 10,000 (600,000 a minute).
 * Undefined: neither is set, and nudges go as fast as the push service takes them.
 */
export function nudgeRate(
  settings: { perSecond: number; budgetMbps: number },
  apkSizeBytes: number,
): number | undefined {
  if (settings.perSecond > 0) return Math.min(MOST_PER_SECOND, settings.perSecond);
  if (settings.budgetMbps > 0)
    return Math.min(MOST_PER_SECOND, Math.max(0.1, (settings.budgetMbps * 125_000) / apkSizeBytes));
  return undefined;
}

/** How many nudges may have gone out `elapsedMs` into a campaign: the rate grows evenly over the first 60 s. */
export function allowance(ratePerSecond: number, elapsedMs: number): number {
  const ramping = Math.min(elapsedMs, RAMP_UP_MS);
  const full = Math.max(0, elapsedMs - RAMP_UP_MS);
  return (ratePerSecond / 1000) * ((ramping * ramping) / (2 * RAMP_UP_MS) + full);
}

/** The first moment, ms into the campaign, at which `count` nudges are allowed. */
export function allowedAtMs(ratePerSecond: number, count: number): number {
  const perMs = ratePerSecond / 1000;
  const ramped = (perMs * RAMP_UP_MS) / 2;
  return count <= ramped
    ? Math.sqrt((2 * RAMP_UP_MS * count) / perMs)
    : RAMP_UP_MS + (count - ramped) / perMs;
}
