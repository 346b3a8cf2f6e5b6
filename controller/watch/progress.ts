/** Counts the progress of the fleet. All callers share these counts, so that a large fleet is not counted once per caller. */
import { effectivePercent, type Snapshot } from '../domain/decision.ts';
import { progressCounter } from '../domain/progress.ts';
import { percentAt } from '../domain/ramp/progress.ts';
import { type Counted, type DeviceStore, fleetOf, type ProgressSource } from '../ports/index.ts';

interface ProgressOptions {
  readonly picture: () => Snapshot | undefined;
  readonly devices: Pick<DeviceStore, 'scan' | 'counts'>;
  readonly nowMs: () => number;
  /** Measures the age of a count, even while the wall clock is held. */
  readonly monotonicMs: () => number;
  readonly activeWithinMs: number;
  /** Called with the failure of a count that nobody waits for. */
  readonly onFault: (fault: unknown) => void;
}

export interface ProgressWatch extends ProgressSource {
  /** Counts if a cheap check shows a change, or after a minute. Called by a timer. */
  look(): Promise<void>;
  /** Ends a running count without a result. */
  stop(): void;
}

/** Fleets up to this size are counted whenever somebody asks. */
export const SMALL_FLEET = 10_000;
/** Larger fleets are counted less often: 100,000 devices every 10 s at most, 1,000,000 every 100 s. */
const DEVICES_PER_MS = 10;
const LOOK_ANYWAY_MS = 60_000;

interface Last {
  readonly counted: Counted;
  readonly endedMs: number;
}

/** True if the count holds for `now`. While a ramp runs, the snapshot is replaced each second with more served time. */
const isCountOf = (counted: Snapshot, now: Snapshot | undefined): boolean =>
  now !== undefined &&
  counted.revision === now.revision &&
  counted.state === now.state &&
  counted.halts === now.halts &&
  counted.missingArtifacts === now.missingArtifacts &&
  percentAt(counted.rollout, counted.progress) === percentAt(now.rollout, now.progress);

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

  /** A running count may have passed a device that has changed since, so a new caller waits for the next count. */
  function next(): Promise<void> {
    if (running === undefined) return begin();
    queued ??= running
      .catch(() => undefined) // reported to the caller that started it
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
    isCountOf(last.counted.picture, picture()) &&
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
