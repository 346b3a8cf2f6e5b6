/**
 * Time changes exposure too: a ramp step begins, a suspend ends. Notices each such change once, also one that
 * passed while the controller was down, and lets its effects be promised (SPEC §8).
 */
import { effectivePercent, type Snapshot } from './domain/decision.ts';
import type { Observe } from './domain/event.ts';
import type { Clock, KeyValueStore, OutboxEntry, OutboxStore } from './ports.ts';

const KEY = 'exposure.last';

export interface ExposureOptions {
  readonly picture: () => Snapshot | undefined;
  readonly clock: Clock;
  readonly values: KeyValueStore;
  readonly outbox: OutboxStore;
  readonly observe: Observe;
  /** What a change by time promises: nudges for those who newly see an offer, a line on the pull request. */
  readonly effects: (change: ExposureChange) => OutboxEntry[];
}

export interface ExposureChange {
  readonly snapshot: Snapshot;
  readonly fromPercent: number;
  readonly toPercent: number;
  /** When the exposure before was last seen, Unix ms: the snapshot decides for both moments. */
  readonly seenAtMs: number;
  readonly nowMs: number;
}

interface Seen {
  readonly revision: string;
  readonly percent: number;
  readonly atMs: number;
}

export interface ExposureWatch {
  /** Compares with what was seen last; called each second and after each publish. */
  look(): Promise<void>;
}

export function watchExposure({
  picture,
  clock,
  values,
  outbox,
  observe,
  effects,
}: ExposureOptions): ExposureWatch {
  let seen: Seen | undefined;

  async function look(): Promise<void> {
    const snapshot = picture();
    if (snapshot === undefined) return;
    const nowMs = clock.nowMs();
    const percent = effectivePercent(snapshot, nowMs);
    if (seen === undefined) {
      const kept = await values.get(KEY);
      seen = kept === undefined ? undefined : (JSON.parse(kept) as Seen);
    }
    const last = seen;
    if (last?.revision === snapshot.revision && last.percent === percent) {
      seen = { ...last, atMs: nowMs };
      return;
    }
    seen = { revision: snapshot.revision, percent, atMs: nowMs };
    // A new revision promised its own effects when it was applied.
    if (last?.revision === snapshot.revision) {
      const change = { snapshot, fromPercent: last.percent, toPercent: percent, seenAtMs: last.atMs, nowMs };
      await outbox.add(effects(change));
      const { revision, rollout } = snapshot;
      observe({
        type: 'ota.rollout.update',
        revision,
        buildId: rollout.current,
        fromPercent: last.percent,
        toPercent: percent,
        by: 'time',
      });
    }
    await values.set(KEY, JSON.stringify(seen));
  }

  let tail: Promise<void> = Promise.resolve();
  return {
    look: () => {
      const mine = tail.then(look);
      tail = mine.catch(() => undefined); // its own caller sees the error
      return mine;
    },
  };
}
