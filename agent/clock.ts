/** Clocks: the system's, a faster one, and a manual one. */
import type { Clock } from './ports.ts';

/** Node's timers overflow above 2^31−1 ms and then fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  timer: (delayMs, fire) => realTimer(delayMs, fire),
};

function realTimer(delayMs: number, fire: () => void): () => void {
  const handle = setTimeout(fire, Math.min(MAX_TIMER_MS, Math.max(0, delayMs)));
  return () => clearTimeout(handle);
}

/** Waits take `1 / scale` of their time. The clock itself stays right, so that signed messages stay fresh. */
export function scaledClock(scale: number): Clock {
  return { ...systemClock, timer: (delayMs, fire) => realTimer(delayMs / scale, fire) };
}

export interface VirtualClock extends Clock {
  /** Advances wall and monotonic time and fires due timers in order. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as a user or a bad NTP server does. */
  jump(ms: number): void;
  /** Delay until the next timer; undefined when none is set. */
  nextTimerMs(): number | undefined;
}

export function virtualClock(startMs: number): VirtualClock {
  let monotonic = 0;
  let wall = startMs;
  let serial = 0;
  const timers = new Map<number, { dueMs: number; fire: () => void }>();
  const next = () => [...timers].sort(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b)[0];
  const move = (ms: number) => {
    monotonic += ms;
    wall += ms;
  };
  return {
    wallMs: () => wall,
    monotonicMs: () => monotonic,
    timer(delayMs, fire) {
      const id = serial++;
      timers.set(id, { dueMs: monotonic + Math.max(0, delayMs), fire });
      return () => timers.delete(id);
    },
    advance(ms) {
      const end = monotonic + ms;
      for (let due = next(); due !== undefined && due[1].dueMs <= end; due = next()) {
        timers.delete(due[0]);
        move(due[1].dueMs - monotonic);
        due[1].fire();
      }
      move(end - monotonic);
    },
    jump(ms) {
      wall += ms;
    },
    nextTimerMs() {
      const due = next();
      return due === undefined ? undefined : due[1].dueMs - monotonic;
    },
  };
}

/**
 * The agent's estimate of the controller's time: the `Date` of the last response plus monotonic time since. Before the
 * first response: the wall clock plus the offset remembered from earlier runs.
 */
export class ServerTime {
  readonly #clock: Clock;
  #offsetMs: number;
  #anchor: { serverMs: number; monotonicMs: number } | undefined;

  constructor(clock: Clock, offsetMs: number) {
    this.#clock = clock;
    this.#offsetMs = offsetMs;
  }

  nowMs(): number {
    if (this.#anchor === undefined) return this.#clock.wallMs() + this.#offsetMs;
    return this.#anchor.serverMs + this.#clock.monotonicMs() - this.#anchor.monotonicMs;
  }

  /** Takes a response's `Date` header; ignores it if it does not parse. */
  hear(date: string | undefined): void {
    const serverMs = date === undefined ? Number.NaN : Date.parse(date);
    if (Number.isNaN(serverMs)) return;
    // `Date` has whole seconds. An estimate within that second is more precise, and keeping it never steps back.
    const ahead = this.nowMs() - serverMs;
    if (this.#anchor !== undefined && ahead >= 0 && ahead < 1_000) return;
    this.#anchor = { serverMs, monotonicMs: this.#clock.monotonicMs() };
    this.#offsetMs = serverMs - this.#clock.wallMs();
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }
}

/** Corrections below this are within the precision of the `Date` header and the network. */
const COARSE_MS = 10_000;

/** Time for log lines: it stands still for a small correction backwards and follows a large one. */
export class LogTime {
  #lastMs = Number.NEGATIVE_INFINITY;

  stamp(nowMs: number): number {
    const behindMs = this.#lastMs - nowMs;
    if (behindMs > 0 && behindMs < COARSE_MS) return this.#lastMs;
    this.#lastMs = nowMs;
    return nowMs;
  }
}
