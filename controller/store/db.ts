/** The database as the store uses it: one transaction after another, and reads that never wait for them. */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { Engine } from './engine.ts';
import { faulted } from './faults.ts';
import { makeWriter, type Writer, type WriteWatch } from './writer.ts';

export interface Db {
  /** Runs a job in a transaction of the only writer; resolves once it is committed. */
  readonly write: Writer['write'];
  /** Reads committed data; never waits for a write. */
  read<T>(query: (reader: Knex) => PromiseLike<T>): Promise<T>;
  /**
   * The same for short queries that must not wait behind long ones: what this controller learns from the others, and who
   * leads.
   */
  readNow<T>(query: (reader: Knex) => PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
}

/** Call it after the schema was migrated. Takes over the engine and closes it. */
export function makeDb(engine: Engine, watch?: WriteWatch): Db {
  const jobs = makeWriter(engine, watch);
  let closed = false;
  const readWith = <T>(reader: Knex, query: (reader: Knex) => PromiseLike<T>): Promise<T> => {
    if (closed) return Promise.reject(new Fault('store_closed', 'the store is closed', { retry: 'never' }));
    return faulted(() => query(reader));
  };
  return {
    write: jobs.write,
    read: query => readWith(engine.reader, query),
    readNow: query => readWith(engine.promptReader, query),
    close: async () => {
      if (closed) return;
      closed = true;
      await jobs.stop();
      await engine.close();
    },
  };
}
