/**
 * Who is nudged: the devices whose decision just became an offer, and nobody else (SPEC §8). Pure. A campaign compares
 * what stood before with what stands now; one that is superseded midway hands its unreached devices to the next.
 */
import { type Decision, type Device, decide, type Snapshot } from '../decision.ts';
import type { DeviceId } from '../ids.ts';

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

/** What a campaign compares with: by id order, and one by one for devices an earlier campaign could not reach. */
export interface Before {
  readonly segments: Segments;
  readonly singles: ReadonlyMap<DeviceId, Moment>;
}

/** How far a campaign came: all up to `after` in id order are settled but those that were sent `away`. */
export interface Reached {
  readonly after: DeviceId;
  readonly away: readonly DeviceId[];
}

export const beforeAll = (moment: Moment): Before => ({
  segments: [{ after: '', before: moment }],
  singles: new Map(),
});

/** Id order is that of UTF-16 code units, as SQLite's BINARY collation orders these ASCII ids. */
export const momentFor = ({ segments, singles }: Before, deviceId: DeviceId): Moment =>
  singles.get(deviceId) ??
  (segments.findLast(s => deviceId > s.after || s.after === '') ?? segments[0]).before;

const decisionAt = ({ snapshot, atMs }: Moment, device: Device): Decision | undefined =>
  snapshot === undefined ? undefined : decide(snapshot, device, atMs);

/**
 * The build this device newly gets an offer of; undefined when it has none or had the same one before. A rollback's
 * baseline is no news to a device that had an offer and did not take it.
 */
export function newOffer(before: Moment, now: Moment, device: Device): string | undefined {
  const is = decisionAt(now, device);
  if (is?.kind !== 'offer') return undefined;
  const was = decisionAt(before, device);
  const known =
    was?.kind === 'offer' && (was.build.buildId === is.build.buildId || is.eligibleBy === 'rollback');
  return known ? undefined : is.build.buildId;
}

const MOST_SEGMENTS = 32;
const MOST_SINGLES = 5_000;

/**
 * What a newer campaign compares with once one that was stopped hands its unreached devices over: each is compared
 * with the oldest picture it was last settled under. Past the bounds (a storm of commits) the newer pictures count,
 * so that it nudges rather fewer than all twice.
 */
export function inherit(newer: Before, stopped: Before, reached: Reached): Before {
  const segments = inheritSegments(newer.segments, stopped.segments, reached.after);
  const unreached = [
    ...reached.away,
    ...[...stopped.singles.keys()].filter(id => id > reached.after && !reached.away.includes(id)),
  ];
  const singles = new Map(newer.singles);
  for (const id of unreached) {
    const theirs = momentFor(stopped, id);
    const own = singles.get(id) ?? momentFor({ segments, singles: new Map() }, id);
    if (theirs.atMs < own.atMs && (singles.has(id) || singles.size < MOST_SINGLES)) singles.set(id, theirs);
  }
  return { segments, singles };
}

function inheritSegments(newer: Segments, stopped: Segments, reached: DeviceId): Segments {
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
