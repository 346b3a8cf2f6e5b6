/** The interface of a database engine for {@link Db}: connections, and hooks around a write. */
import type { Knex } from 'knex';

export interface Engine {
  /** Connections for transactions that write; jobs wait in the writer's queue, not here. */
  readonly writer: Knex;
  /** Connections that only read. */
  readonly reader: Knex;
  /** Also only for reading, and never busy for long: see {@link Db.readNow}. May be `reader`. */
  readonly promptReader: Knex;
  /** Called before each transaction; rejects when the writes would be lost. */
  standing(): Promise<void>;
  /** Runs first in each write transaction; refuses if the installation has moved away. */
  readonly begin?: ((trx: Knex) => PromiseLike<unknown>) | undefined;
  /** Ends all connections. */
  close(): Promise<void>;
}
