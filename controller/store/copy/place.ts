/** An end of a copy: the SQLite file in a data folder, or a PostgreSQL database. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Knex } from 'knex';
import { Fault } from '../../domain/fault.ts';
import type { Engine } from '../engine.ts';
import { faulted } from '../faults.ts';
import { DATABASE_FILE, lockFolder, prepareFolder } from '../folder.ts';
import { appliedNames, migrate } from '../migrate.ts';
import { migrations } from '../migrations/index.ts';
import { lockForWriting, type PostgresOptions, postgresEngine } from '../postgres.ts';
import { openWriter, sqliteEngine } from '../sqlite.ts';

/** `name`: shown to people; it holds no password. */
export type Place =
  | { readonly kind: 'folder'; readonly name: string; readonly folder: string }
  | { readonly kind: 'postgres'; readonly name: string; readonly database: PostgresOptions };

export interface Opened {
  readonly engine: Engine;
  readonly close: () => Promise<void>;
}

/**
 * The lock of a controller's writes, so that a mark is set between two of them. SQLite takes it for any write
 * statement.
 */
export const lockOf =
  (place: Place) =>
  async (trx: Knex): Promise<void> => {
    if (place.kind === 'postgres') await lockForWriting(trx);
    else await trx('moves').where({ id: 0 }).delete();
  };

/**
 * A database that a controller may be using. Faults `no_database`, `schema_older`, `schema_newer` and those of the
 * connection.
 */
export async function openSource(place: Place): Promise<Opened> {
  const engine = await sourceEngine(place);
  try {
    await faulted(() => engine.reader.raw('select 1'));
    await refuseOtherSchema(await faulted(() => appliedNames(engine.reader)), place);
    return { engine, close: engine.close };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function sourceEngine(place: Place): Promise<Engine> {
  if (place.kind === 'postgres') return postgresEngine(place.database);
  const file = path.join(place.folder, DATABASE_FILE);
  const there = await stat(file).catch(() => undefined);
  if (there === undefined)
    throw new Fault('no_database', `${file} does not exist: name the data folder of a controller`, {
      retry: 'never',
    });
  return sqliteEngine(file, openWriter(file));
}

/** Does not migrate: the controller migrates its own database, with a backup. A copy changes only its mark. */
async function refuseOtherSchema(applied: readonly string[], { name }: Place): Promise<void> {
  if (applied.length === 0)
    throw new Fault('no_database', `${name} holds no database of the controller`, { retry: 'never' });
  const known = new Set(migrations.map(m => m.name));
  const foreign = applied.filter(m => !known.has(m));
  if (foreign.length > 0)
    throw new Fault(
      'schema_newer',
      `${name} was written by a newer version (${foreign.join(', ')}): use the ota of that version`,
      { retry: 'never' },
    );
  if (applied.length < known.size)
    throw new Fault(
      'schema_older',
      `${name} was written by an older version: start this version's controller on it once, which brings it up to date`,
      { retry: 'never' },
    );
}

/** A database that is created or migrated first. Faults as `openStore`, including `data_folder_locked`. */
export async function openDest(place: Place, nowMs: () => number): Promise<Opened> {
  if (place.kind === 'postgres') {
    const engine = await postgresEngine(place.database);
    return ready(engine, '', nowMs, async () => undefined);
  }
  await prepareFolder(place.folder);
  const unlock = await lockFolder(place.folder);
  const file = path.join(place.folder, DATABASE_FILE);
  const writer = openWriter(file);
  try {
    await faulted(() => writer.raw('select 1'));
    return await ready(sqliteEngine(file, writer), place.folder, nowMs, unlock);
  } catch (error) {
    await writer.destroy();
    await unlock();
    throw error;
  }
}

async function ready(
  engine: Engine,
  folder: string,
  nowMs: () => number,
  unlock: () => Promise<void>,
): Promise<Opened> {
  try {
    await faulted(() => engine.writer.raw('select 1'));
    await migrate(engine.writer, { folder, nowMs });
  } catch (error) {
    await engine.close();
    throw error;
  }
  return {
    engine,
    close: async () => {
      try {
        await engine.close();
      } finally {
        await unlock();
      }
    },
  };
}
