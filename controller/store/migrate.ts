/**
 * Migrates a database to this binary's schema, never back. An existing database is backed up first, a newer one is
 * refused.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import { backupDatabase } from './backup.ts';
import { isPostgres } from './dialect.ts';
import { faulted } from './faults.ts';
import { DATABASE_FILE } from './folder.ts';
import type { Migration } from './migration.ts';
import { migrations as ours } from './migrations/index.ts';
import { compareByBytes, lockForWriting, refuseForeignTables } from './postgres.ts';

interface MigrateOptions {
  /** Where the backup goes on SQLite. PostgreSQL is backed up by its own tools. */
  readonly folder: string;
  readonly nowMs: () => number;
  /** Default: this binary's own. */
  readonly migrations?: readonly Migration[];
}

const TABLE = 'schema_migrations';
/** The newest breaking migration that was applied. */
const FLOOR = 'schema_floor';

/** Faults `schema_newer`, `disk_full`, `store_io`, `store_corrupt`. On SQLite the caller holds the folder's lock. */
export async function migrate(db: Knex, options: MigrateOptions): Promise<void> {
  const { folder, migrations = ours } = options;
  if (isPostgres(db)) return faulted(() => migrateTogether(db, migrations, options.nowMs()));
  if (!(await faulted(() => isBehind(db, migrations)))) return;
  const last = (await faulted(() => appliedNames(db))).at(-1);
  if (last !== undefined) await backupBefore(folder, last);
  await faulted(() => run(db, migrations, options.nowMs()));
}

/** One transaction for all of it: controllers that start together wait for the first, and then find the work done. */
const migrateTogether = (db: Knex, migrations: readonly Migration[], nowMs: number): Promise<void> =>
  db.transaction(async trx => {
    await lockForWriting(trx);
    if (!(await isBehind(trx, migrations))) return;
    if ((await appliedNames(trx)).length === 0) await refuseForeignTables(trx);
    await run(trx, migrations, nowMs);
    await compareByBytes(trx);
    const floor = migrations.filter(m => m.breaks === true).at(-1)?.name;
    if (floor !== undefined) await trx(FLOOR).where({ id: 1 }).update({ migration: floor });
  });

/** Fault `schema_newer`: a database with breaking migrations that this binary does not know is left alone. */
async function isBehind(db: Knex, migrations: readonly Migration[]): Promise<boolean> {
  const applied = await appliedNames(db);
  const known = new Set(migrations.map(migration => migration.name));
  const foreign = applied.filter(name => !known.has(name));
  const isWhole = migrations.every(({ name }) => applied.includes(name));
  if (foreign.length > 0 && isWhole && known.has((await floorIn(db)) ?? '')) return false;
  if (foreign.length > 0)
    throw new Fault('schema_newer', `the database was written by a newer version (${foreign.join(', ')})`, {
      retry: 'never',
    });
  return applied.length < migrations.length;
}

/** Undefined with SQLite, where one version runs. */
async function floorIn(db: Knex): Promise<string | undefined> {
  if (!isPostgres(db) || !(await db.schema.hasTable(FLOOR))) return undefined;
  return (await db<{ id: number; migration: string }>(FLOOR).where({ id: 1 }).first())?.migration;
}

/** The backup is the way back. */
async function neverBack(): Promise<void> {
  throw new Error('assertion: a migration is never taken back');
}

export async function appliedNames(db: Knex): Promise<string[]> {
  if (!(await db.schema.hasTable(TABLE))) return [];
  return db(TABLE).orderBy('id').pluck('name');
}

/** One copy per schema: a start that fails again and again must not fill the disk. */
async function backupBefore(folder: string, last: string): Promise<void> {
  const backups = path.join(folder, 'backups');
  await mkdir(backups, { recursive: true, mode: 0o700 });
  await backupDatabase(path.join(folder, DATABASE_FILE), path.join(backups, `${last}.db`), { replace: true });
}

async function run(db: Knex, migrations: readonly Migration[], nowMs: number): Promise<void> {
  const config: Knex.MigratorConfig = {
    tableName: TABLE,
    migrationSource: {
      getMigrations: async () => [...migrations],
      getMigrationName: (migration: Migration) => migration.name,
      getMigration: async (migration: Migration) => ({
        up: trx => migration.up(trx, nowMs),
        down: neverBack,
      }),
    },
  };
  // We hold the folder or the writers' lock: a migration lock that is still set was left by a process that died half way.
  await db.migrate.forceFreeMigrationsLock(config);
  await db.migrate.latest(config);
}
