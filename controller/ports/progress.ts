/** How far the fleet is. */
import type { Snapshot } from '../domain/decision.ts';
import type { FleetProgress } from '../domain/progress.ts';

/** A count belongs to the picture it was made for: all that is said of it comes from that picture. */
export interface Counted {
  readonly picture: Snapshot;
  readonly atMs: number;
  readonly progress: FleetProgress;
}

export interface ProgressSource {
  /** Waits for a count of the picture in force; undefined before the first revision is applied. */
  count(): Promise<Counted | undefined>;
  /** The same for a fleet that is counted at once; of a large one the last count, while the next is under way. */
  recent(): Promise<Counted | undefined>;
  last(): Counted | undefined;
}
