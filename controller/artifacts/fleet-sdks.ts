/** Counts devices by Android version, since a new build can leave some of them behind. */
import type { DeviceStore } from '../ports/index.ts';

export interface SdkCount {
  /** Devices that run an SDK older than the requested one. */
  readonly below: number;
  /** Devices that reported their SDK. */
  readonly known: number;
}

export type FleetSdks = (minSdk: number) => Promise<SdkCount>;

/** The count is kept for a while: a fleet changes slowly, and many pull requests are judged against it. */
const KEPT_MS = 600_000;
const PAGE = 1000;

export function makeFleetSdks(devices: Pick<DeviceStore, 'scan'>, monotonicMs: () => number): FleetSdks {
  let kept: { readonly atMs: number; readonly counts: Promise<ReadonlyMap<number, number>> } | undefined;

  async function count(): Promise<ReadonlyMap<number, number>> {
    const counts = new Map<number, number>();
    let after: string | undefined;
    for (;;) {
      const page = await devices.scan({ after, limit: PAGE });
      for (const { sdk } of page) if (sdk !== undefined) counts.set(sdk, (counts.get(sdk) ?? 0) + 1);
      after = page.at(-1)?.deviceId;
      if (page.length < PAGE) return counts;
    }
  }

  return async minSdk => {
    if (kept === undefined || monotonicMs() - kept.atMs > KEPT_MS)
      kept = { atMs: monotonicMs(), counts: count() };
    const mine = kept;
    const counts = await mine.counts.catch((error: unknown) => {
      if (kept === mine) kept = undefined;
      throw error;
    });
    let [below, known] = [0, 0];
    for (const [sdk, devices] of counts) {
      known += devices;
      if (sdk < minSdk) below += devices;
    }
    return { below, known };
  };
}
