/**
 * Time changes exposure too: a ramp step begins, a suspend ends. Notices each such change once, also one that
 * passed while the controller was down, and lets its effects be promised (SPEC §8).
 */
import { effectivePercent, type Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { isSuspended } from '../domain/ramp.ts';
import { makeTurns } from '../domain/turns.ts';
import type { Clock, KeyValueStore, OutboxEntry, OutboxStore } from '../ports/index.ts';

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
  /** When the exposure before was last seen, Unix ms: the snapshot decides for both moments. */
  readonly seenAtMs: number;
  /** The same for the same change, also when it is noticed again after a crash. */
  readonly name: string;
}

interface Seen {
  readonly revision: string;
  readonly percent: number;
  /** A suspend also holds canaries and the baseline, which no percentage tells. */
  readonly suspended: boolean;
  readonly atMs: number;
}

export interface ExposureWatch {
  /** Compares with what was seen last; called each second and after each publish. */
  look(): Promise<void>;
  /** Up to when time's changes of this revision are promised, Unix ms; undefined before the first look at it. */
  settledAtMs(revision: string): number | undefined;
}

const sameExposure = (a: Seen, b: Seen): boolean => a.percent === b.percent && a.suspended === b.suspended;

export function watchExposure(options: ExposureOptions): ExposureWatch {
  const { picture, clock, values, outbox, observe, effects } = options;
  let seen: Seen | undefined;

  async function promise(snapshot: Snapshot, last: Seen, now: Seen): Promise<void> {
    const { revision } = snapshot;
    const [fromPercent, toPercent] = [last.percent, now.percent];
    const name = `time:${revision}:${toPercent}:${now.suspended ? 'suspended' : 'open'}`;
    await outbox.add(effects({ snapshot, seenAtMs: last.atMs, name }));
    if (fromPercent === toPercent) return;
    const buildId = snapshot.rollout.current;
    observe({ type: 'ota.rollout.update', revision, buildId, fromPercent, toPercent, by: 'time' });
  }

  async function look(): Promise<void> {
    const snapshot = picture();
    if (snapshot === undefined) return;
    const atMs = clock.nowMs();
    const now: Seen = {
      revision: snapshot.revision,
      percent: effectivePercent(snapshot, atMs),
      suspended: isSuspended(snapshot.rollout, atMs),
      atMs,
    };
    if (seen === undefined) {
      const kept = await values.get(KEY);
      seen = kept === undefined ? undefined : (JSON.parse(kept) as Seen);
    }
    const last = seen;
    // A new revision promised its own effects when it was applied.
    const standing = last?.revision === now.revision ? last : undefined;
    if (standing !== undefined && sameExposure(standing, now)) {
      seen = now;
      return;
    }
    if (standing !== undefined) await promise(snapshot, standing, now);
    seen = now;
    await values.set(KEY, JSON.stringify(now));
  }

  const inTurn = makeTurns();
  return {
    look: () => inTurn(look),
    settledAtMs: revision => (seen?.revision === revision ? seen.atMs : undefined),
  };
}
