/**
 * Who is nudged: only the devices whose decision just became an offer (SPEC §8). Pure. A campaign compares the snapshot
 * before with the snapshot now. A campaign that is superseded midway hands its unreached devices to the next one.
 */
import { type Decision, type Device, decide, type Snapshot } from '../decision.ts';
import type { DeviceId } from '../ids.ts';

/** A snapshot at a moment; `snapshot` undefined: nothing was offered before. */
export interface Moment {
  readonly snapshot: Snapshot | undefined;
  readonly atMs: number;
}

/** The last snapshot under which the devices after `after`, in id order, were reached. */
export interface Segment {
  readonly after: DeviceId;
  readonly before: Moment;
}

/** Ascending by `after`; the first one starts at '' and covers every device. */
type Segments = readonly [Segment, ...Segment[]];

/** The base of a comparison: segments in id order, and single devices that an earlier campaign could not reach. */
export interface Before {
  readonly segments: Segments;
  readonly singles: ReadonlyMap<DeviceId, Moment>;
}

/** How far a campaign came: all devices up to `after` in id order are settled, except those in `away`. */
interface Reached {
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
 * The build that is newly offered to this device; undefined if there is no offer or it had the same one before. After a
 * rollback, a device that did not take its earlier offer needs no nudge.
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
 * The base of a newer campaign after it takes over the unreached devices of a stopped one: each device is compared with
 * the oldest snapshot it was last settled under. Beyond the bounds (a storm of commits) the newer snapshots count: it is
 * better to miss some nudges than to send all of them twice.
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

/** The base for the devices that follow `after`. */
const momentFrom = (segments: Segments, after: DeviceId): Moment =>
  (segments.findLast(s => s.after <= after) ?? segments[0]).before;
