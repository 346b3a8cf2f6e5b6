/** How adoption went over time. */
import type { BuildId, Revision } from '../domain/ids.ts';

/** How many of the active devices ran a build at a moment; written when the whole percent changes. */
export interface AdoptionSample {
  readonly revision: Revision;
  readonly buildId: BuildId;
  readonly atMs: number;
  readonly active: number;
  readonly running: number;
}

/** What active devices ran in one hour: by build id, or `code:<version_code>` where a device named none. */
export interface AdoptionHour {
  /** When the hour began, Unix ms. */
  readonly hourMs: number;
  readonly running: ReadonlyMap<string, number>;
}

export interface AdoptionStore {
  /** The last count of an hour stands. */
  keepHour(hour: AdoptionHour): Promise<void>;
  /** Oldest first; at most `limit`, the newest of each stretch when there are more. */
  hours(sinceMs: number, limit: number): Promise<AdoptionHour[]>;
  add(sample: AdoptionSample): Promise<void>;
  /** Oldest first. */
  series(buildId: BuildId, sinceMs: number): Promise<AdoptionSample[]>;
}
