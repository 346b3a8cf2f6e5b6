/**
 * A PostgreSQL database. Nothing outlives a transaction: no `SET`, no session lock, no named statement. So PgBouncer
 * may share connections between transactions.
 */
import knex, { type Knex } from 'knex';
import type { ConnectionConfig } from 'pg';
import { Fault } from '../domain/fault.ts';
import type { Engine } from './engine.ts';
import { refuseMoved } from './moves.ts';
import { SILENT_LOG } from './sqlite.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE`; a secret. */
  readonly url: string;
  /** The number of connections for long reads; there is one more for writes, and a few for short reads. */
  readonly connections: number;
}

/** The feed reads on one, the check of the lease on another. */
const PROMPT_CONNECTIONS = 2;
const CONNECT_TIMEOUT_MS = 10_000;
/** A request waits at most this long for a connection, and as long for an answer. */
const READ_TIMEOUT_MS = 30_000;
/** A migration, or an import of a hundred thousand devices, takes longer. */
const WRITE_TIMEOUT_MS = 300_000;

const INT8 = 20;
const NUMERIC = 1700;
/** Counts, sums and Unix ms are whole numbers below 2^53, but the driver returns them as text. */
const AS_NUMBERS = {
  getTypeParser: (oid: number, format?: string) =>
    oid === INT8 || oid === NUMERIC ? Number : (standardParser?.(oid, format) ?? String),
};
let standardParser: ((oid: number, format?: string) => (text: string) => unknown) | undefined;

/**
 * A controller that is paused or cut off in the middle of a transaction would hold the lock that all need. So the
 * server ends a transaction that is idle for this long. Set for the transaction alone.
 */
const IDLE_TIMEOUT_MS = 8_000;

/** The one lock that every controller of this database takes before it writes: "ota" and the number of this rule. */
const WRITE_LOCK = 0x6f7461_01;

async function openKnex(options: PostgresOptions, connections: number, timeoutMs: number): Promise<Knex> {
  const { types } = (await import('pg')).default;
  standardParser ??= (oid, format) => types.getTypeParser(oid, (format ?? 'text') as 'text');
  const connection: ConnectionConfig = {
    connectionString: options.url,
    types: AS_NUMBERS as NonNullable<ConnectionConfig['types']>,
    application_name: 'nexmdm-ota',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: timeoutMs,
    keepAlive: true,
  };
  return knex({
    client: 'pg',
    connection: connection as Knex.PgConnectionConfig,
    compileSqlOnError: false,
    log: SILENT_LOG,
    acquireConnectionTimeout: READ_TIMEOUT_MS,
    pool: { min: 0, max: connections },
  });
}

/** Faults `store_unreachable`, `store_refused` are thrown by the first statement, not here. */
export async function postgresEngine(options: PostgresOptions): Promise<Engine> {
  const writer = await openKnex(options, 1, WRITE_TIMEOUT_MS);
  const reader = await openKnex(options, options.connections, READ_TIMEOUT_MS);
  const promptReader = await openKnex(options, PROMPT_CONNECTIONS, READ_TIMEOUT_MS);
  return {
    writer,
    reader,
    promptReader,
    standing: async () => undefined,
    begin: async trx => {
      await lockForWriting(trx);
      await refuseMoved(trx);
    },
    close: async () => {
      await reader.destroy();
      await promptReader.destroy();
      await writer.destroy();
    },
  };
}

/**
 * Allows one writer at a time among all controllers, so that no row changes between a job's read and its write, as on
 * SQLite. The lock ends with the transaction. Each statement after it sees what was committed before.
 */
export const lockForWriting = (trx: Knex): PromiseLike<unknown> =>
  trx.raw("select set_config('idle_in_transaction_session_timeout', ?, true), pg_advisory_xact_lock(?)", [
    String(IDLE_TIMEOUT_MS),
    WRITE_LOCK,
  ]);

/** Runs before the first migration. Fault `database_not_ours`: another program's tables are left alone. */
export async function refuseForeignTables(trx: Knex): Promise<void> {
  const found: { rows: unknown[] } = await trx.raw(
    'select 1 from pg_catalog.pg_tables where schemaname = current_schema() limit 1',
  );
  if (found.rows.length > 0)
    throw new Fault(
      'database_not_ours',
      'the database that OTA_DATABASE names holds tables of something else: make a database for the controller alone',
      { retry: 'never' },
    );
}

/**
 * Text is compared byte by byte, as in SQLite and JavaScript, whatever the database's locale: pages of devices continue
 * after an id, and memory and the database must agree on the order. All tables of the schema are ours.
 */
export async function compareByBytes(trx: Knex): Promise<void> {
  const found: { rows: { table_name: string; column_name: string }[] } = await trx.raw(
    `select c.table_name, c.column_name from information_schema.columns c
     join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
     where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
       and c.data_type = 'text' and coalesce(c.collation_name, '') <> 'C'`,
  );
  for (const { table_name, column_name } of found.rows)
    await trx.raw('alter table ?? alter column ?? type text collate "C"', [table_name, column_name]);
}
