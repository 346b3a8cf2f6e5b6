/**
 * How often devices check in, as observed: one byte a device and a histogram over the fleet, so that neither a check-in
 * nor a question about all of them costs more as the fleet grows.
 *
 * What is kept of a device is the length of the gap in which a random moment falls: gaps weigh by their own length, so
 * the checks of one visit (offer, confirmation, after the install) count for nothing beside the hours between two visits.
 */
import { DAY_MS, SECOND_MS } from './duration.ts';

/** Places of the histogram; 0: no gap of the device was observed yet. */
export const GAP_PLACES = 256;
const LEAST_MS = SECOND_MS;
const LARGEST_MS = 90 * DAY_MS;
/** Each place is 6.5 % longer than the one before. */
const STEP = Math.log(LARGEST_MS / LEAST_MS) / (GAP_PLACES - 2);

/** In steps of 5 %. */
const SLICES = 20;

export interface CheckInGaps {
  /** Devices of which a gap was observed; those that were revoked or erased do not count. */
  readonly devices: number;
  /** The shortest gap, then the quantiles in steps of 5 %, last the longest: 21 values in ms. Empty without devices. */
  readonly quantilesMs: readonly number[];
}

export const NO_GAPS: CheckInGaps = { devices: 0, quantilesMs: [] };

/** The place of a gap in ms; never 0. */
export const placeOf = (gapMs: number): number =>
  1 + Math.round(Math.log(Math.min(LARGEST_MS, Math.max(LEAST_MS, gapMs)) / LEAST_MS) / STEP);

/** The gap in ms that a place stands for; `place` is not 0. */
export const gapAt = (place: number): number => LEAST_MS * Math.exp((place - 1) * STEP);

/** The place of a device once another gap was observed: the mean of both, each weighed by its own length. */
export function blended(place: number, gapMs: number): number {
  if (place === 0) return placeOf(gapMs);
  const before = gapAt(place);
  const gap = Math.max(0, gapMs);
  return placeOf((before * before + gap * gap) / (before + gap));
}

/** `tally`: devices by place. */
export function gapsOf(tally: ArrayLike<number>): CheckInGaps {
  let devices = 0;
  for (let place = 1; place < GAP_PLACES; place += 1) devices += tally[place] ?? 0;
  if (devices === 0) return NO_GAPS;
  const quantilesMs: number[] = [];
  let passed = 0;
  for (let place = 1; place < GAP_PLACES; place += 1) {
    passed += tally[place] ?? 0;
    while (quantilesMs.length <= SLICES && passed > 0 && passed >= (quantilesMs.length / SLICES) * devices)
      quantilesMs.push(Math.round(gapAt(place)));
  }
  return { devices, quantilesMs };
}

/** The fleet in slices of equal size, by the gap in the middle of each. */
const slicesOf = ({ quantilesMs }: CheckInGaps): number[] =>
  quantilesMs.slice(1).map((longer, i) => (longer + (quantilesMs[i] ?? longer)) / 2);

const meanOver = (gaps: CheckInGaps, share: (gapMs: number) => number): number => {
  const slices = slicesOf(gaps);
  return slices.reduce((sum, gapMs) => sum + share(gapMs), 0) / slices.length;
};

/** The share of devices that have checked in `ms` after a random moment. Without gaps: NaN. */
export const seenWithin = (gaps: CheckInGaps, ms: number): number =>
  meanOver(gaps, gapMs => Math.min(1, Math.max(0, ms / gapMs)));

/**
 * The share of devices that are followed up `ms` after they were first offered a build: one check takes it, and another
 * comes at least `lifeMs` after that.
 */
export const followedWithin = (gaps: CheckInGaps, ms: number, lifeMs: number): number =>
  meanOver(gaps, gapMs => {
    // The sum of two waits, each anywhere within a gap.
    const waits = Math.min(2, Math.max(0, (ms - lifeMs) / gapMs));
    return waits <= 1 ? (waits * waits) / 2 : 1 - (2 - waits) ** 2 / 2;
  });

/** The least time in ms, to the minute, after which a share that only grows reaches `wanted`; undefined: never. */
export function timeUntil(
  wanted: number,
  longestMs: number,
  share: (ms: number) => number,
): number | undefined {
  if (!(share(longestMs) >= wanted)) return undefined;
  let [no, yes] = [0, longestMs];
  if (share(0) >= wanted) return 0;
  while (yes - no > 60_000) {
    const middle = (no + yes) / 2;
    if (share(middle) >= wanted) yes = middle;
    else no = middle;
  }
  return yes;
}

export const medianOf = ({ quantilesMs }: CheckInGaps): number | undefined => quantilesMs[SLICES / 2];
export const longestOf = ({ quantilesMs }: CheckInGaps): number => quantilesMs.at(-1) ?? 0;
