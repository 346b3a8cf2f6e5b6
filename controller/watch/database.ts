/**
 * Checks that a database on the network still answers and is still ours. Without the database this controller cannot learn
 * of new halts. It therefore trusts its memory only for a limited time, and then offers nothing until the database is back.
 */
import type { Snapshot } from '../domain/decision.ts';
import { SECOND_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import type { DatabaseReach, Picture } from '../ports/index.ts';

export interface DatabaseWatch extends DatabaseReach {
  /** Checks once. Never rejects. */
  look(): Promise<void>;
  /** Wraps the picture, so that it offers nothing after the database has been away for too long. */
  guard(picture: Picture): Picture;
}

interface DatabaseWatchOptions {
  /** Resolves when the database answers and this controller may write there. */
  readonly check: () => Promise<void>;
  readonly monotonicMs: () => number;
  /** Goes on while the whole machine is paused, which monotonic time does not see. */
  readonly wallMs: () => number;
  /** How long memory may be trusted without the database. */
  readonly staleMs: number;
  readonly observe: Observe;
}

const SLOW_MS = 10 * SECOND_MS;

/** Starts as reachable, because the store was opened just before. */
export function watchDatabase(options: DatabaseWatchOptions): DatabaseWatch {
  const { check, staleMs, observe } = options;
  const now = () => ({ monotonicMs: options.monotonicMs(), wallMs: options.wallMs() });
  // The time of the query, not of its answer: the answer may have been delayed on the network.
  let answered = now();
  let away = false;
  let toldStale = false;

  const watch: DatabaseWatch = {
    get ageMs() {
      const { monotonicMs, wallMs } = now();
      return Math.max(monotonicMs - answered.monotonicMs, wallMs - answered.wallMs);
    },
    get stale() {
      return watch.ageMs > staleMs;
    },
    get reachable() {
      return !away && watch.ageMs <= SLOW_MS;
    },
    look: async () => {
      tellStale();
      const asked = now();
      try {
        await check();
      } catch (error) {
        if (!away) observe({ type: 'ota.database.fail', code: faultCode(error), message: textOf(error) });
        away = true;
        tellStale();
        return;
      }
      if (away) observe({ type: 'ota.database.ok', awayMs: Math.round(watch.ageMs) });
      answered = asked;
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
