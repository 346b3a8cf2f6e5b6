/** Detects that a build fails on many devices within an hour, even without a gate. It only notifies people and never halts. */
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import {
  isNewSpike,
  isSpike,
  type LastSpike,
  SPIKE_WINDOW_MS,
  spikeCounts,
} from '../domain/failure-spike.ts';
import type { Notice } from '../domain/notice/notice.ts';
import { noticeOfSpike } from '../domain/notice/of-change.ts';
import type { KeyValueStore, OutboxEntry, OutcomeStore } from '../ports/index.ts';

const KEY = 'failures.spike';

export interface FailureOptions {
  readonly picture: () => Snapshot | undefined;
  readonly outcomes: Pick<OutcomeStore, 'endings'>;
  readonly values: Pick<KeyValueStore, 'get' | 'keep'>;
  readonly nowMs: () => number;
  readonly observe: Observe;
  /** The outbox rows of the notice. They are committed together with the record that the notice was sent. */
  readonly promise: (notice: Notice) => OutboxEntry[];
}

export interface FailureWatch {
  /** Called once a minute. */
  look(): Promise<void>;
}

export function watchFailures(options: FailureOptions): FailureWatch {
  const { picture, outcomes, values, nowMs, observe, promise } = options;
  return {
    look: async () => {
      const snapshot = picture();
      if (snapshot === undefined) return;
      const { revision, current } = snapshot;
      const { buildId } = current;
      const atMs = nowMs();
      const counts = spikeCounts(await outcomes.endings(buildId, atMs - SPIKE_WINDOW_MS));
      if (!isSpike(counts)) return;
      const text = await values.get(KEY);
      const last = text === undefined ? undefined : (JSON.parse(text) as LastSpike);
      const isNew = isNewSpike(last, buildId, atMs);
      const now: LastSpike = { buildId, atMs };
      const notice = noticeOfSpike(snapshot, { ...counts, windowMs: SPIKE_WINDOW_MS });
      await values.keep(KEY, JSON.stringify(now), isNew ? promise(notice) : []);
      if (!isNew) return;
      observe({ type: 'ota.failure.spike', revision, buildId, failed: counts.failed, ended: counts.ended });
    },
  };
}
