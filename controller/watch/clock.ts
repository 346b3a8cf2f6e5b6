/**
 * Wall time that decisions may trust. A wall clock that moves more than 5 minutes against monotonic time holds
 * exposure where it stands (SPEC §2) until the two agree again or the controller is started anew.
 */
import type { Observe } from '../domain/event.ts';
import type { Clock } from '../ports/index.ts';

const JUMP_MS = 5 * 60_000;

export interface GuardedClock extends Clock {
  /** Compares wall and monotonic time; called by a timer and before each pass. */
  check(): void;
  readonly held: boolean;
}

/** `wallMs` and `monotonicMs` are the two clocks, passed in so that tests can move them. */
export function guardClock(wallMs: () => number, monotonicMs: () => number, observe: Observe): GuardedClock {
  let offset = wallMs() - monotonicMs();
  let heldAtMs: number | undefined;
  const check = (): void => {
    const drift = wallMs() - monotonicMs() - offset;
    if (Math.abs(drift) > JUMP_MS) {
      if (heldAtMs !== undefined) return;
      heldAtMs = monotonicMs() + offset;
      observe({ type: 'ota.clock.jump', byMs: Math.round(drift) });
    } else {
      // Small corrections (NTP slewing, leap smearing) are followed.
      offset += drift;
      if (heldAtMs === undefined) return;
      heldAtMs = undefined;
      observe({ type: 'ota.clock.ok' });
    }
  };
  return {
    nowMs: () => {
      check();
      return heldAtMs ?? wallMs();
    },
    check,
    get held() {
      return heldAtMs !== undefined;
    },
  };
}
