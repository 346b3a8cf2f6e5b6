/**
 * Asks a database in the network whether it still answers and is still ours. Without it nothing tells this controller what
 * was stopped meanwhile, so what it knows is trusted for a while only: then it offers nothing until the database is back.
 */
import type { Snapshot } from '../domain/decision.ts';
import { SECOND_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import type { DatabaseReach, Picture } from '../ports/index.ts';

export interface DatabaseWatch extends DatabaseReach {
  /** Asks once; never rejects. */
  look(): Promise<void>;
  /** The same picture, which offers nothing while the database is away for too long. */
  guard(picture: Picture): Picture;
}

interface DatabaseWatchOptions {
  /** Resolves when the database answers and this controller may write there. */
  readonly reach: () => Promise<void>;
  readonly monotonicMs: () => number;
  /** How long what is in memory may be trusted. */
  readonly staleMs: number;
  readonly observe: Observe;
}

const SLOW_MS = 10 * SECOND_MS;

/** Begins as answered: the store was opened just now. */
export function watchDatabase({ reach, monotonicMs, staleMs, observe }: DatabaseWatchOptions): DatabaseWatch {
  // When a question was asked, not when it was answered: the answer may have lain on its way.
  let answeredMs = monotonicMs();
  let away = false;
  let toldStale = false;

  const watch: DatabaseWatch = {
    get ageMs() {
      return monotonicMs() - answeredMs;
    },
    get stale() {
      return watch.ageMs > staleMs;
    },
    get reachable() {
      return !away && watch.ageMs <= SLOW_MS;
    },
    look: async () => {
      tellStale();
      const askedMs = monotonicMs();
      try {
        await reach();
      } catch (error) {
        if (!away) observe({ type: 'ota.database.fail', code: faultCode(error), message: textOf(error) });
        away = true;
        tellStale();
        return;
      }
      if (away) observe({ type: 'ota.database.ok', awayMs: Math.round(watch.ageMs) });
      answeredMs = askedMs;
      away = false;
      toldStale = false;
    },
    guard: picture => {
      let fresh: Snapshot | undefined;
      let frozen: Snapshot | undefined;
      return {
        get snapshot() {
          const { snapshot } = picture;
          if (snapshot === undefined || !watch.stale) return snapshot;
          if (snapshot !== fresh) {
            fresh = snapshot;
            frozen = { ...snapshot, isStale: true };
          }
          return frozen;
        },
      };
    },
  };

  function tellStale(): void {
    if (toldStale || !watch.stale) return;
    toldStale = true;
    observe({ type: 'ota.database.stale', awayMs: Math.round(watch.ageMs) });
  }
  return watch;
}

const textOf = (error: unknown): string => (error instanceof Fault ? error.message : 'unexpected error');
