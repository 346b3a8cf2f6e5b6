/**
 * How often devices check in, as observed. It keeps one byte per device and a histogram over the fleet, so the cost of
 * a check-in or of a query does not grow with the fleet.
 *
 * The value of a device is the expected length of the gap that contains a random moment. Gaps are weighted by their
 * length, so the quick checks of one visit (offer, confirmation, after the install) barely count beside the hours
 * between two visits.
 */
import { DAY_MS, SECOND_MS } from './duration.ts';

/** Bins of the histogram; 0: no gap of the device was observed yet. */
export const GAP_PLACES = 256;
const LEAST_MS = SECOND_MS;
const LARGEST_MS = 90 * DAY_MS;
/** Each bin is 6.5 % longer than the one before. */
const STEP = Math.log(LARGEST_MS / LEAST_MS) / (GAP_PLACES - 2);

/** In steps of 5 %. */
const SLICES = 20;

export interface CheckInGaps {
  /** Devices with an observed gap, without revoked and erased ones. */
  readonly devices: number;
  /** The shortest gap, then the quantiles in steps of 5 %, last the longest: 21 values in ms. Empty without devices. */
  readonly quantilesMs: readonly number[];
}

export const NO_GAPS: CheckInGaps = { devices: 0, quantilesMs: [] };

/** The bin of a gap in ms; never 0. */
export const placeOf = (gapMs: number): number =>
  1 + Math.round(Math.log(Math.min(LARGEST_MS, Math.max(LEAST_MS, gapMs)) / LEAST_MS) / STEP);

/** The gap in ms that a bin represents; `place` is not 0. */
export const gapAt = (place: number): number => LEAST_MS * Math.exp((place - 1) * STEP);

/** The new bin of a device after another gap: the mean of both, each weighted by its own length. */
export function blended(place: number, gapMs: number): number {
  if (place === 0) return placeOf(gapMs);
  const before = gapAt(place);
  const gap = Math.max(0, gapMs);
  return placeOf((before * before + gap * gap) / (before + gap));
}

/** `tally`: devices by bin. */
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

/** The fleet in slices of equal size: the median gap of each. */
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
 * The share of devices that are followed up `ms` after a build was first offered to them: they take it at one check
 * and check in again at least `lifeMs` later.
 */
export const followedWithin = (gaps: CheckInGaps, ms: number, lifeMs: number): number =>
  meanOver(gaps, gapMs => {
    // The sum of two waits, each anywhere within a gap.
    const waits = Math.min(2, Math.max(0, (ms - lifeMs) / gapMs));
    return waits <= 1 ? (waits * waits) / 2 : 1 - (2 - waits) ** 2 / 2;
  });

/** The shortest time in ms, to the minute, after which a growing share reaches `wanted`; undefined: never. */
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
