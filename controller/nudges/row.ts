/** The outbox row of a campaign: the earlier states that it compares with, and its progress. */

import { makeSnapshot, type Snapshot } from '../domain/decision.ts';
import type { Halt } from '../domain/halt.ts';
import type { DeviceId, Sha256 } from '../domain/ids.ts';
import { type Before, beforeAll, inherit, type Moment, type Segment } from '../domain/nudge/campaign.ts';
import { type OldClock, progressOfOldClock } from '../domain/ramp/old-clock.ts';
import type { RampProgress } from '../domain/ramp/progress.ts';
import { canonicalState, type DesiredState, restoreState } from '../domain/release.ts';
import type { OutboxEntry, OutboxRow } from '../ports/index.ts';

export const NUDGE_TOPIC = 'nudge';

interface StoredMoment {
  readonly atMs: number;
  readonly picture?: {
    readonly revision: string;
    readonly state: string;
    readonly progress?: RampProgress | undefined;
    readonly halts?: readonly Halt[];
    /** Replaces `progress` in a row that version 0.1 wrote. */
    readonly clock?: OldClock;
    readonly missing: readonly Sha256[];
  };
}

/** Segments and singles refer to `moments` by index. */
interface Payload {
  readonly campaignId: string;
  readonly revision: string;
  readonly buildId: string;
  readonly moments: readonly StoredMoment[];
  readonly segments: readonly (readonly [after: DeviceId, moment: number])[];
  readonly singles: readonly (readonly [deviceId: DeviceId, moment: number])[];
}

/** A device that the push service deferred, with the time of the first deferral and of the next try. */
export interface Away {
  readonly deviceId: DeviceId;
  readonly sinceMs: number;
  readonly dueMs: number;
}

/** The progress of a campaign, stored after each page. */
export interface Cursor {
  readonly after: DeviceId;
  readonly sent: number;
  readonly away: readonly Away[];
  /** Nothing is sent before this time, because the push service is down or the quota is exhausted. */
  readonly holdUntilMs?: number;
  /** Since when the push service has accepted no message, Unix ms. */
  readonly failingSinceMs?: number;
}

export const cursorOf = (row: OutboxRow): Cursor =>
  row.cursor === undefined ? { after: '', sent: 0, away: [] } : (JSON.parse(row.cursor) as Cursor);

/** Rows are written only by {@link campaignEntry} and {@link handedOver}, so the payload needs no validation. */
export const payloadOf = (row: OutboxRow): Payload => row.payload as Payload;

/** The part of the state that decisions need. Without this cut the row would grow with each declared build. */
function deciding({ rollout, builds, cohorts }: DesiredState): DesiredState {
  const named = new Set([rollout.current, rollout.lastSafe]);
  return {
    rollout,
    // A downgrade may replace any build, and the decision depends on the replaced build.
    builds: rollout.forceDowngrade ? builds : new Map([...builds].filter(([id]) => named.has(id))),
    cohorts: new Map([...cohorts].filter(([name]) => rollout.canary.cohorts.includes(name))),
    policy: undefined,
  };
}

const store = ({ snapshot, atMs }: Moment): StoredMoment =>
  snapshot === undefined
    ? { atMs }
    : {
        atMs,
        picture: {
          revision: snapshot.revision,
          state: canonicalState(deciding(snapshot.state)),
          progress: snapshot.progress,
          halts: snapshot.halts,
          missing: [...snapshot.missingArtifacts],
        },
      };

function load({ atMs, picture }: StoredMoment): Moment {
  if (picture === undefined) return { atMs, snapshot: undefined };
  const state = restoreState(picture.state);
  const { revision, clock, halts, missing } = picture;
  const progress = clock === undefined ? picture.progress : progressOfOldClock(state.rollout, clock, atMs);
  const missingArtifacts = new Set(missing);
  return {
    atMs,
    snapshot: makeSnapshot(state, { revision, appliedAtMs: atMs, progress, halts, missingArtifacts }),
  };
}

type Compared = Pick<Payload, 'moments' | 'segments' | 'singles'>;

function storeBefore({ segments, singles }: Before): Compared {
  const moments = [...new Set([...segments.map(s => s.before), ...singles.values()])];
  const place = (moment: Moment): number => moments.indexOf(moment);
  return {
    moments: moments.map(store),
    segments: segments.map(s => [s.after, place(s.before)] as const),
    singles: [...singles].map(([id, moment]) => [id, place(moment)] as const),
  };
}

export function beforeOf(payload: Compared): Before {
  const moments = payload.moments.map(load);
  const at = (place: number): Moment => {
    const moment = moments[place];
    if (moment === undefined) throw new Error('assertion: a campaign names only its own moments');
    return moment;
  };
  const [first, ...rest] = payload.segments.map(([after, place]): Segment => ({ after, before: at(place) }));
  if (first === undefined) throw new Error('assertion: a campaign has a segment');
  return {
    segments: [first, ...rest],
    singles: new Map(payload.singles.map(([id, place]) => [id, at(place)])),
  };
}

/**
 * The outbox row of a campaign from the state `before` to the state `now`. It is due at once. `campaignId` makes it
 * idempotent: a second row with the same id replaces the first.
 */
export function campaignEntry(before: Moment, now: Snapshot, campaignId: string): OutboxEntry {
  const { rollback, lastSafe, current } = now.rollout;
  const payload: Payload = {
    campaignId,
    revision: now.revision,
    buildId: rollback ? (lastSafe ?? current) : current,
    ...storeBefore(beforeAll(before)),
  };
  return { topic: NUDGE_TOPIC, key: `campaign:${campaignId}`, payload, notBeforeMs: 0 };
}

/** Returns `to`, which has not begun, extended by the devices that `from` did not reach. It replaces `to` under a new row id. */
export function handedOver(to: OutboxRow, from: readonly OutboxRow[]): OutboxEntry {
  const before = from.reduce(
    (merged, row) => {
      const { after, away } = cursorOf(row);
      return inherit(merged, beforeOf(payloadOf(row)), { after, away: away.map(a => a.deviceId) });
    },
    beforeOf(payloadOf(to)),
  );
  const payload: Payload = { ...payloadOf(to), ...storeBefore(before) };
  return { topic: NUDGE_TOPIC, key: to.key, payload, notBeforeMs: 0 };
}
