/** Counts how far the fleet is; the one place that does, so that a growing fleet is not counted by each who asks. */
import { effectivePercent, type Snapshot } from '../domain/decision.ts';
import { progressCounter } from '../domain/progress.ts';
import { type Counted, type DeviceStore, fleetOf, type ProgressSource } from '../ports/index.ts';

export interface ProgressOptions {
  readonly picture: () => Snapshot | undefined;
  readonly devices: Pick<DeviceStore, 'scan' | 'counts'>;
  readonly nowMs: () => number;
  /** Ages a count while the wall clock is held. */
  readonly monotonicMs: () => number;
  readonly activeWithinMs: number;
  /** Told of a count that failed and that nobody waited for. */
  readonly onFault: (fault: unknown) => void;
}

export interface ProgressWatch extends ProgressSource {
  /** Counts when something that shows without a count has moved, or a minute is over: for a timer. */
  look(): Promise<void>;
  /** Ends a count that is under way without a result. */
  stop(): void;
}

/** Fleets up to this size are counted whenever somebody asks. */
export const SMALL_FLEET = 10_000;
/** Of a larger one: 100,000 devices are counted every 10 s at most, 1,000,000 every 100 s. */
const DEVICES_PER_MS = 10;
const LOOK_ANYWAY_MS = 60_000;

interface Last {
  readonly counted: Counted;
  readonly endedMs: number;
}

export function watchProgress(options: ProgressOptions): ProgressWatch {
  const { picture, devices, nowMs, monotonicMs, activeWithinMs } = options;
  let last: Last | undefined;
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;
  let sign = '';
  let stopped = false;

  async function countNow(): Promise<void> {
    const snapshot = picture();
    if (snapshot === undefined || stopped) return;
    const atMs = nowMs();
    const counter = progressCounter(snapshot, atMs, activeWithinMs);
    for await (const device of fleetOf(devices)) {
      if (stopped) return;
      counter.add(device);
    }
    last = { counted: { picture: snapshot, atMs, progress: counter.result() }, endedMs: monotonicMs() };
  }

  function begin(): Promise<void> {
    running = countNow().finally(() => {
      running = undefined;
    });
    return running;
  }

  /** A count that is under way may have passed a device that changed since: whoever asks now waits for the next. */
  function next(): Promise<void> {
    if (running === undefined) return begin();
    queued ??= running
      .catch(() => undefined) // told to whoever began it
      .then(() => {
        queued = undefined;
        return begin();
      });
    return queued;
  }

  const isLarge = async (): Promise<boolean> =>
    (await devices.counts(nowMs(), activeWithinMs)).enrolled > SMALL_FLEET;

  const isFresh = (): boolean =>
    last !== undefined &&
    last.counted.picture === picture() &&
    monotonicMs() - last.endedMs < last.counted.progress.enrolled / DEVICES_PER_MS;

  async function count(): Promise<Counted | undefined> {
    if (await isLarge()) {
      while (!stopped && !isFresh() && picture() !== undefined) await (running ?? begin());
    } else await next();
    return last?.counted;
  }

  return {
    count,
    recent: async () => {
      if (!(await isLarge())) return count();
      if (!isFresh() && running === undefined) begin().catch(options.onFault);
      return last?.counted;
    },
    last: () => last?.counted,
    stop: () => {
      stopped = true;
    },
    look: async () => {
      const snapshot = picture();
      if (snapshot === undefined) return;
      const counts = await devices.counts(nowMs(), activeWithinMs);
      const now = JSON.stringify([snapshot.revision, effectivePercent(snapshot, nowMs()), counts]);
      const old = last === undefined || monotonicMs() - last.endedMs >= LOOK_ANYWAY_MS;
      if (now === sign && !old) return;
      await count();
      sign = now;
    },
  };
}
