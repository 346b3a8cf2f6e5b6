/**
 * One SQLite file in WAL mode with two kinds of connection: a single writer, so that transactions never wait for each
 * other, and readers, so that a scan never delays a write.
 */
import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import knex, { type Knex } from 'knex';
import type { Database } from 'sqlite3';
import { Fault } from '../domain/fault.ts';
import type { Engine } from './engine.ts';
import { faulted } from './faults.ts';
import { refuseMoved } from './moves.ts';

/**
 * `synchronous = FULL`: what was answered survives a power cut. SQLite disables foreign keys in each new connection.
 */
const WRITER_PRAGMAS = [
  'busy_timeout = 5000',
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  'journal_size_limit = 67108864',
  'cache_size = -16384',
  'temp_store = MEMORY',
  'trusted_schema = OFF',
];
const READER_PRAGMAS = [
  'busy_timeout = 5000',
  'query_only = ON',
  'cache_size = -8192',
  'trusted_schema = OFF',
];

/** Jobs wait in the writer's queue, not for a connection. Only the checkpoint of a large import takes this long. */
const ACQUIRE_TIMEOUT_MS = 300_000;

const ignore = (): void => undefined;
/** Knex also throws what it would print, and only `observe` logs. */
export const SILENT_LOG = { warn: ignore, error: ignore, deprecate: ignore, debug: ignore };

/** One Knex on this file. Error texts do not show bindings: they may hold tokens. */
export function openKnex(filename: string, pragmas: readonly string[], connections: number): Knex {
  return knex({
    client: 'sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    compileSqlOnError: false,
    log: SILENT_LOG,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    pool: {
      min: 1,
      max: connections,
      idleTimeoutMillis: 2_147_483_647,
      afterCreate: (connection: Database, done: (error: Error | null, connection: Database) => void) => {
        connection.exec(pragmas.map(pragma => `PRAGMA ${pragma};`).join('\n'), error =>
          done(error, connection),
        );
      },
    },
  });
}

export const openWriter = (filename: string): Knex => openKnex(filename, WRITER_PRAGMAS, 1);
export const openReader = (filename: string): Knex => openKnex(filename, READER_PRAGMAS, 2);

/**
 * A deleted or replaced file still takes writes through its open handle, but they are lost when the process ends. So no
 * further write is confirmed.
 */
function standingOf(filename: string): () => Promise<void> {
  const { ino, dev } = statSync(filename);
  return async () => {
    const now = await stat(filename).catch((error: NodeJS.ErrnoException) => error);
    if (now instanceof Error || now.ino !== ino || now.dev !== dev)
      throw new Fault('store_gone', 'the database file was deleted or replaced while it was in use', {
        retry: 'backoff',
        cause: now,
      });
  };
}

/** Call it after the schema was migrated. Takes over `writer` and closes it. */
export function sqliteEngine(filename: string, writer: Knex): Engine {
  const reader = openReader(filename);
  return {
    writer,
    reader,
    // With SQLite nobody else changes anything.
    promptReader: reader,
    standing: standingOf(filename),
    begin: refuseMoved,
    close: async () => {
      await reader.destroy();
      await faulted(() => writer.raw('PRAGMA wal_checkpoint(TRUNCATE)'));
      await writer.destroy();
    },
  };
}
