/** What a database engine gives to {@link Db}: connections, and what it does at the edges of a write. */
import type { Knex } from 'knex';

export interface Engine {
  /** Connections for transactions that write; jobs wait in the writer's queue, not here. */
  readonly writer: Knex;
  /** Connections that only read. */
  readonly reader: Knex;
  /** Called before each transaction; rejects when what is written would be lost. */
  standing(): Promise<void>;
  /** The first of each transaction that writes; refuses where the installation has moved away. */
  readonly begin?: ((trx: Knex) => PromiseLike<unknown>) | undefined;
  /** Ends all connections. */
  close(): Promise<void>;
}
