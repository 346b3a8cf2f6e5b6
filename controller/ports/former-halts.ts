/** Halts from before this store existed, as another service still knows them. */
import type { BuildId, Revision } from '../domain/ids.ts';

export interface FormerHalts {
  /**
   * The earlier halt of the build, or undefined if there is no sign of one. Faults if that cannot be determined.
   * `revision`: the revision in force.
   */
  haltOf(buildId: BuildId, revision: Revision): Promise<FormerHalt | undefined>;
}

export interface FormerHalt {
  readonly reason: string;
  /** When it was pressed, Unix ms; undefined if not known. */
  readonly atMs: number | undefined;
}
