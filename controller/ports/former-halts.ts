/** Halts of the time before this store, as far as somebody else knows of them. */
import type { BuildId, Revision } from '../domain/ids.ts';

export interface FormerHalts {
  /**
   * Why the build counts as halted before, or undefined when nothing says so. Faults when that cannot be found out.
   * `revision`: the one that is in force.
   */
  haltOf(buildId: BuildId, revision: Revision): Promise<FormerHalt | undefined>;
}

export interface FormerHalt {
  readonly reason: string;
  /** When it was pressed, Unix ms; undefined: not known. */
  readonly atMs: number | undefined;
}
