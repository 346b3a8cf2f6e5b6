/** Turns settings into an engine with this version's tables, or explains why not. */
import path from 'node:path';
import type { Knex } from 'knex';
import type { Engine } from './engine.ts';
import { faulted } from './faults.ts';
import { DATABASE_FILE } from './folder.ts';
import { migrate } from './migrate.ts';
import { refuseMoved } from './moves.ts';
import type { StoreOptions } from './options.ts';
import { postgresEngine } from './postgres.ts';
import { refuseSecondDatabase } from './second-database.ts';
import { openWriter, sqliteEngine } from './sqlite.ts';

/** Connects and migrates. */
export async function openEngine(options: StoreOptions): Promise<Engine> {
  if (options.database !== undefined) {
    const engine = await postgresEngine(options.database);
    return migrated(engine.writer, options, () => engine, engine.close);
  }
  const file = path.join(options.folder, DATABASE_FILE);
  const writer = openWriter(file);
  return migrated(
    writer,
    options,
    () => sqliteEngine(file, writer),
    () => writer.destroy(),
  );
}

async function migrated(
  writer: Knex,
  options: StoreOptions,
  open: () => Engine,
  close: () => Promise<void>,
): Promise<Engine> {
  try {
    await faulted(() => writer.raw('select 1'));
    await migrate(writer, options);
    await faulted(() => refuseMoved(writer));
    if (options.database !== undefined) await refuseSecondDatabase(options.folder, writer);
    return open();
  } catch (error) {
    await close();
    throw error;
  }
}
