/** The progress of the fleet. */
import type { Snapshot } from '../domain/decision.ts';
import type { FleetProgress } from '../domain/progress.ts';

/** A count belongs to the snapshot that it was made for. Derive everything about the count from that snapshot. */
export interface Counted {
  readonly picture: Snapshot;
  readonly atMs: number;
  readonly progress: FleetProgress;
}

export interface ProgressSource {
  /** Waits for a count of the snapshot in force. Undefined before the first revision is applied. */
  count(): Promise<Counted | undefined>;
  /** Like `count` for a small fleet. For a large fleet, returns the last count while the next one is running. */
  recent(): Promise<Counted | undefined>;
  last(): Counted | undefined;
}
