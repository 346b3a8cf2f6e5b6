/** Adoption over time. */
import type { BuildId, Revision } from '../domain/ids.ts';

/** How many of the active devices ran a build at one moment. Written when the whole percent changes. */
export interface AdoptionSample {
  readonly revision: Revision;
  readonly buildId: BuildId;
  readonly atMs: number;
  readonly active: number;
  readonly running: number;
}

/** What active devices ran in one hour: by build id, or by `code:<version_code>` for devices that named no build. */
export interface AdoptionHour {
  /** When the hour began, Unix ms. */
  readonly hourMs: number;
  readonly running: ReadonlyMap<string, number>;
}

export interface AdoptionStore {
  /** A later count of the same hour replaces the earlier one. */
  keepHour(hour: AdoptionHour): Promise<void>;
  /** Oldest first, at most `limit`. A longer time is split into equal intervals, and only the newest hour of each is returned. */
  hours(sinceMs: number, limit: number): Promise<AdoptionHour[]>;
  add(sample: AdoptionSample): Promise<void>;
  /** Oldest first. */
  series(buildId: BuildId, sinceMs: number): Promise<AdoptionSample[]>;
}
