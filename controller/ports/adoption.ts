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

export interface AdoptionStore {
  add(sample: AdoptionSample): Promise<void>;
  /** Oldest first. */
  series(buildId: BuildId, sinceMs: number): Promise<AdoptionSample[]>;
}
