/**
 * What a page has to show: desired state, fleet, reports and halts that lie in Git and in the data folder before the
 * controller starts. Its wall clock stands at SCENE_MS, so that pictures stay the same.
 */
import { bucketOf, thresholdOf } from '../../../controller/domain/cohort.ts';
import type { RampProgress } from '../../../controller/domain/ramp/progress.ts';
import type { Build } from '../../../controller/domain/release.ts';
import type { Store } from '../../../controller/store/store.ts';
import type { StateParts } from '../state.ts';

/** Thursday, 2026-12-03T10:50:00Z. */
export const SCENE_MS = Date.UTC(2026, 11, 3, 10, 50);
export const SEED = 'b43:7';

export interface Builds {
  readonly b41: Build;
  readonly b42: Build;
  readonly b43: Build;
}

export interface Scene {
  /** What stands; undefined: nothing was ever applied. */
  readonly state?: ((builds: Builds) => StateParts) | undefined;
  readonly appliedAgoMs?: number;
  /** First line of the commit. */
  readonly subject?: string;
  readonly progress?: Partial<RampProgress>;
  /** Fills the store after the state was applied. */
  readonly past?: (past: Past) => Promise<void>;
  /** Another commit after the applied one: files under `releases/` that are changed. */
  readonly next?: (files: Readonly<Record<string, string>>) => Record<string, string>;
  /** The source cannot be read once the controller runs. */
  readonly sourceLost?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Moves the wall clock once the controller runs. */
  readonly jumpMs?: number;
}

export interface Past {
  readonly store: Store;
  readonly builds: Builds;
  /** Enrols devices that last said they run this build, and checked a while ago. */
  devices(ids: readonly string[], said: Said): Promise<void>;
  /** What the fleet ran by the hour: how many run `current` each of the last hours, the rest b42 and b41. */
  adoption(hours: number, shareOfNew: (agoHours: number) => number): Promise<void>;
  /** They downloaded the build and reported how it went. */
  took(ids: readonly string[], build: Build, how: Took): Promise<void>;
}

export interface Said {
  readonly build?: Build;
  readonly agoMs?: number;
  readonly tags?: readonly string[];
  readonly sdk?: number;
}

export interface Took {
  readonly outcome: 'ok' | 'fail' | 'deferred';
  readonly reason: Parameters<Store['outcomes']['report']>[0]['reason'];
  readonly agoMs?: number;
  readonly detail?: string;
  /** A later check says that the build runs. */
  readonly runs?: boolean;
  readonly sdk?: number;
}

/** Ids whose buckets lie below, or at least at, `percent`. */
export function idsIn(kind: string, count: number, percent: number, where: 'inside' | 'outside'): string[] {
  const found: string[] = [];
  for (let n = 1; found.length < count; n += 1) {
    const id = `${kind}-${String(n).padStart(4, '0')}`;
    if (bucketOf(id, SEED) < thresholdOf(percent) === (where === 'inside')) found.push(id);
  }
  return found;
}
