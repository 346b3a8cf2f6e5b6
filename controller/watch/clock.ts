/**
 * Wall time for decisions (SPEC §2). Exposure is held when the wall clock drifts more than 5 minutes from monotonic time.
 * It is also held at a start when the wall clock is before the last time in the store, or more than 7 days after it.
 */
import { DAY_MS, MINUTE_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import type { HeldClock } from '../ports/index.ts';

const JUMP_MS = 5 * MINUTE_MS;
/** A controller may have been off for this long; a clock that is further ahead may be wrong. */
const AWAY_MS = 7 * DAY_MS;

export interface GuardedClock extends HeldClock {
  /** Compares wall and monotonic time; called by a timer and before each pass. */
  check(): void;
  /** Passes in the last time in the store, Unix ms. Called once, before the first decision. */
  resume(lastMs: number | undefined): void;
  /** Passes in the current time of another clock, Unix ms. A held clock that agrees with it is trusted again. */
  witness(otherMs: number): void;
}

interface Hold {
  /** The time that decisions use during the hold. */
  readonly atMs: number;
  /** The wall clock is trusted again when it is between these two. Both advance with monotonic time. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly sinceMonotonicMs: number;
}

/** `wallMs` and `monotonicMs` are the two clocks, passed in so that tests can move them. */
export function guardClock(wallMs: () => number, monotonicMs: () => number, observe: Observe): GuardedClock {
  let offset = wallMs() - monotonicMs();
  let hold: Hold | undefined;

  const holdAt = (atMs: number, awayMs: number): void => {
    const sinceMonotonicMs = monotonicMs();
    hold = { atMs, fromMs: atMs - JUMP_MS, toMs: atMs + Math.max(JUMP_MS, awayMs), sinceMonotonicMs };
  };
  const release = (by: 'clock' | 'witness' | 'operator'): void => {
    hold = undefined;
    offset = wallMs() - monotonicMs();
    observe({ type: 'ota.clock.ok', by });
  };

  const check = (): void => {
    if (hold !== undefined) {
      const elapsedMs = monotonicMs() - hold.sinceMonotonicMs;
      const meantMs = wallMs() - elapsedMs;
      if (meantMs >= hold.fromMs && meantMs <= hold.toMs) release('clock');
      return;
    }
    const drift = wallMs() - monotonicMs() - offset;
    // Small corrections (NTP slewing, leap smearing) are followed.
    if (Math.abs(drift) <= JUMP_MS) offset += drift;
    else {
      holdAt(monotonicMs() + offset, 0);
      observe({ type: 'ota.clock.jump', byMs: Math.round(drift), message: TEXT });
    }
  };

  return {
    nowMs: () => {
      check();
      return hold?.atMs ?? wallMs();
    },
    check,
    resume: lastMs => {
      if (lastMs === undefined) return;
      const awayMs = wallMs() - lastMs;
      if (awayMs >= -JUMP_MS && awayMs <= AWAY_MS) return;
      holdAt(lastMs, AWAY_MS);
      observe({ type: 'ota.clock.start', lastMs, byMs: Math.round(awayMs), message: TEXT });
    },
    witness: otherMs => {
      if (hold !== undefined && Math.abs(wallMs() - otherMs) <= JUMP_MS) release('witness');
    },
    confirm: () => {
      if (hold === undefined) return false;
      release('operator');
      return true;
    },
    get held() {
      return hold !== undefined;
    },
  };
}

const TEXT =
  'exposure does not grow until the clock is right, an https source or GitHub agrees with it, or you run "ota clock confirm"';
