/** The outbox row of a campaign: what it compares with, and how far it has come. */
import type { Moment, Segments } from './domain/campaign.ts';
import { makeSnapshot, type Snapshot } from './domain/decision.ts';
import type { DeviceId } from './domain/ids.ts';
import type { RampClock } from './domain/ramp.ts';
import { canonicalState, restoreState } from './domain/release.ts';
import type { OutboxEntry, OutboxRow } from './ports.ts';

export const NUDGE_TOPIC = 'nudge';

interface StoredMoment {
  readonly atMs: number;
  readonly picture?: { readonly revision: string; readonly state: string; readonly clock: RampClock };
}

export interface Payload {
  readonly campaignId: string;
  readonly revision: string;
  readonly buildId: string;
  readonly segments: readonly { readonly after: DeviceId; readonly before: StoredMoment }[];
}

/** How far a campaign has come; `retry` are devices of the last page that the push service sent away. */
export interface Cursor {
  readonly after: DeviceId;
  /** Where the page that is under way, or whose devices wait in `retry`, began. */
  readonly pageAfter: DeviceId;
  readonly sent: number;
  readonly retry: readonly DeviceId[];
  readonly failingSinceMs?: number;
}

const store = ({ snapshot, atMs }: Moment): StoredMoment =>
  snapshot === undefined
    ? { atMs }
    : {
        atMs,
        picture: {
          revision: snapshot.revision,
          state: canonicalState(snapshot.state),
          clock: snapshot.clock,
        },
      };

const load = ({ atMs, picture }: StoredMoment): Moment => ({
  atMs,
  snapshot:
    picture === undefined
      ? undefined
      : makeSnapshot(restoreState(picture.state), {
          revision: picture.revision,
          appliedAtMs: atMs,
          clock: picture.clock,
        }),
});

/** The row that promises a campaign for what stands now, compared with what stood before. */
export function campaignEntry(before: Moment, now: Snapshot, campaignId: string, nowMs: number): OutboxEntry {
  const payload: Payload = {
    campaignId,
    revision: now.revision,
    buildId: now.rollout.rollback ? (now.rollout.lastSafe ?? now.rollout.current) : now.rollout.current,
    segments: [{ after: '', before: store(before) }],
  };
  return { topic: NUDGE_TOPIC, key: `campaign:${campaignId}`, payload, notBeforeMs: nowMs };
}

/** Our own row, written by {@link campaignEntry} or {@link takenOver}. */
export const payloadOf = (row: OutboxRow): Payload => row.payload as Payload;

export function segmentsOf(payload: Payload): Segments {
  const [first, ...rest] = payload.segments.map(s => ({ after: s.after, before: load(s.before) }));
  if (first === undefined) throw new Error('assertion: a campaign has a segment');
  return [first, ...rest];
}

/** The same row with what a stopped campaign hands over. */
export function takenOver(row: OutboxRow, segments: Segments, nowMs: number): OutboxEntry {
  const payload: Payload = {
    ...payloadOf(row),
    segments: segments.map(s => ({ after: s.after, before: store(s.before) })),
  };
  return { topic: NUDGE_TOPIC, key: row.key, payload, notBeforeMs: nowMs };
}
