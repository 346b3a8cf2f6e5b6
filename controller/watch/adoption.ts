/**
 * Counts which builds devices run, and reports each whole percent (SPEC §10). Outcomes never change desired state; they
 * only become numbers.
 */
import { type Adoption, adoptionOf } from '../domain/adoption.ts';
import type { Snapshot } from '../domain/decision.ts';
import { HOUR_MS, MINUTE_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import type { BuildId } from '../domain/ids.ts';
import type { AdoptionStore, DeviceStore, FleetCounts } from '../ports/index.ts';

interface AdoptionOptions {
  readonly picture: () => Snapshot | undefined;
  readonly devices: Pick<DeviceStore, 'counts'>;
  readonly history: AdoptionStore;
  readonly nowMs: () => number;
  readonly activeWithinMs: number;
  readonly observe: Observe;
}

interface FleetShare {
  readonly enrolled: number;
  readonly active: number;
  readonly running: ReadonlyMap<BuildId, number>;
}

export interface AdoptionWatch {
  /** Counts the fleet. Called by a timer and after each publish. */
  look(): Promise<void>;
  /** The last counted share of active devices, 0–1, for `current`, `last_safe` and each declared build on enough devices. */
  ratios(): ReadonlyMap<BuildId, number>;
  /** Share of active devices, 0–1, that run any other build. */
  otherRatio(): number;
  /** The last count of devices, and of those that run a build of `ratios`. Undefined before the first count. */
  fleet(): FleetShare | undefined;
}

/** A declared build gets a series only from this share on. Otherwise the series of old builds would accumulate. */
const SHOWN_FROM = 0.01;

const KEEP_HOUR_EVERY_MS = 5 * MINUTE_MS;
/** Limits the stored builds, because devices report any build id and invented ones must not fill the disk. */
const MOST_BUILDS = 30;
const OTHERS = 'others';

function mostRun(running: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const sorted = [...running].sort(([, a], [, b]) => b - a);
  const rest = sorted.slice(MOST_BUILDS).reduce((sum, [, devices]) => sum + devices, 0);
  return new Map([...sorted.slice(0, MOST_BUILDS), ...(rest > 0 ? [[OTHERS, rest] as const] : [])]);
}

export function watchAdoption(options: AdoptionOptions): AdoptionWatch {
  const { picture, devices: registry, history, nowMs, activeWithinMs, observe } = options;
  let last: Adoption | undefined;
  let ratios: ReadonlyMap<BuildId, number> = new Map();
  let other = 0;
  let fleet: FleetShare | undefined;
  let kept: { hourMs: number; atMs: number } | undefined;

  /** The last reported adoption of this build, from this process or an earlier one. */
  async function toldOf(buildId: BuildId): Promise<Adoption | undefined> {
    if (last?.buildId === buildId) return last;
    const sample = (await history.series(buildId, 0)).at(-1);
    if (sample === undefined) return undefined;
    const { active, running: devices } = sample;
    return adoptionOf(
      { buildId, versionCode: 0 },
      { active, running: [{ versionCode: 0, buildId, devices }] },
    );
  }

  /** Stores the counts of all builds every few minutes and at each new hour, so that curves continue after a restart. */
  async function keepHour(running: FleetCounts['running']): Promise<void> {
    const atMs = nowMs();
    const hourMs = atMs - (atMs % HOUR_MS);
    if (hourMs === kept?.hourMs && atMs - kept.atMs < KEEP_HOUR_EVERY_MS) return;
    const named = new Map<string, number>();
    for (const { versionCode, buildId, devices: n } of running) {
      const name = buildId ?? picture()?.buildsByCode.get(versionCode)?.buildId ?? `code:${versionCode}`;
      named.set(name, (named.get(name) ?? 0) + n);
    }
    await history.keepHour({ hourMs, running: mostRun(named) });
    kept = { hourMs, atMs };
  }

  async function count(): Promise<void> {
    const snapshot = picture();
    if (snapshot === undefined) return;
    const counts = await registry.counts(nowMs(), activeWithinMs);
    await keepHour(counts.running);
    const { revision, current, lastSafe } = snapshot;
    const now = adoptionOf(current, counts);
    const shown = [...snapshot.state.builds.values()]
      .map(build => adoptionOf(build, counts))
      .filter(a => a.ratio >= SHOWN_FROM || a.buildId === now.buildId || a.buildId === lastSafe?.buildId);
    ratios = new Map(shown.map(a => [a.buildId, a.ratio]));
    const running = new Map(shown.map(a => [a.buildId, a.devices]));
    fleet = { enrolled: counts.enrolled, active: counts.active, running };
    const inSeries = shown.reduce((sum, a) => sum + a.devices, 0);
    other = counts.active === 0 ? 0 : (counts.active - inSeries) / counts.active;
    const told = await toldOf(now.buildId);
    last = now;
    if (told?.percent === now.percent) return;
    const { buildId, percent, devices, activeDevices } = now;
    // The curve of a build begins at 0 %, which is not reported as progress.
    await history.add({ revision, buildId, atMs: nowMs(), active: activeDevices, running: devices });
    if (told === undefined && percent === 0) return;
    observe({ type: 'ota.adoption.progress', revision, buildId, percent, devices, activeDevices });
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
    otherRatio: () => other,
    fleet: () => fleet,
  };
}
