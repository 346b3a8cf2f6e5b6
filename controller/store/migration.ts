/** One step of the schema (SPEC §10). */
import type { Knex } from 'knex';

/** Named without a file extension: a name must mean the same to sources and to compiled code. */
export interface Migration {
  readonly name: string;
  /**
   * True if a version that does not know this migration must not run on the schema. Left out if the migration only
   * adds: then an older version may run beside a newer one on PostgreSQL. Unused parts are removed one minor version
   * later.
   */
  readonly breaks?: true;
  /** `nowMs`: Unix ms. */
  up(db: Knex, nowMs: number): Promise<void>;
}
