/**
 * Who runs what: looked at when devices have checked in, told at each whole percent (SPEC §10). Outcomes never change
 * desired state; they only become numbers.
 */
import { adoptionOf } from './domain/adoption.ts';
import type { Snapshot } from './domain/decision.ts';
import type { Observe } from './domain/event.ts';
import type { BuildId } from './domain/ids.ts';
import type { AdoptionStore, DeviceStore } from './ports.ts';

export interface AdoptionOptions {
  readonly picture: () => Snapshot | undefined;
  readonly devices: Pick<DeviceStore, 'counts'>;
  readonly history: AdoptionStore;
  readonly nowMs: () => number;
  readonly activeWithinMs: number;
  readonly observe: Observe;
  /** A whole percent was passed: the pull request may be told. */
  readonly progressed: () => Promise<void>;
}

export interface AdoptionWatch {
  /** Counts the fleet; called by a timer and after each publish. */
  look(): Promise<void>;
  /** Share of active devices, 0–1, by build: of `current` and `last_safe`, as last counted. */
  ratios(): ReadonlyMap<BuildId, number>;
}

export function watchAdoption(options: AdoptionOptions): AdoptionWatch {
  const { picture, devices, history, nowMs, activeWithinMs, observe } = options;
  let last: { revision: string; buildId: BuildId; percent: number } | undefined;
  let ratios: ReadonlyMap<BuildId, number> = new Map();

  async function count(): Promise<void> {
    const snapshot = picture();
    if (snapshot === undefined) return;
    const counts = await devices.counts(nowMs(), activeWithinMs);
    const builds = [snapshot.current, ...(snapshot.lastSafe === undefined ? [] : [snapshot.lastSafe])];
    ratios = new Map(builds.map(b => [b.buildId, adoptionOf(b, counts).ratio]));
    const { revision } = snapshot;
    const {
      buildId,
      devices: running,
      activeDevices: active,
      percent,
    } = adoptionOf(snapshot.current, counts);
    if (last?.revision === revision && last.buildId === buildId && last.percent === percent) return;
    last = { revision, buildId, percent };
    await history.add({ revision, buildId, atMs: nowMs(), active, running });
    observe({
      type: 'ota.adoption.progress',
      revision,
      buildId,
      percent,
      devices: running,
      activeDevices: active,
    });
    await options.progressed();
  }

  let under: Promise<void> | undefined;
  return {
    look: () => {
      under ??= count().finally(() => {
        under = undefined;
      });
      return under;
    },
    ratios: () => ratios,
  };
}
