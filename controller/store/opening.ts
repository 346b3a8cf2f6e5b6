/** From settings to an engine with this version's tables, or to the reason why not. */
import path from 'node:path';
import type { Knex } from 'knex';
import { faultCode } from '../domain/fault.ts';
import type { Engine } from './engine.ts';
import { faulted } from './faults.ts';
import { DATABASE_FILE } from './folder.ts';
import { refuseHeld } from './lease.ts';
import { migrate } from './migrate.ts';
import { refuseMoved } from './moves.ts';
import type { StoreOptions } from './options.ts';
import { postgresEngine } from './postgres.ts';
import { forgetSelf, type Self, sayStandingBy } from './replicas.ts';
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
    // Before the migration: it may be of a newer version than the one that leads.
    if (options.standby === true) await waitInTurn(writer, options.self);
    await migrate(writer, options);
    await faulted(() => refuseMoved(writer));
    if (options.database !== undefined) await refuseSecondDatabase(options.folder, writer);
    return open();
  } catch (error) {
    await close();
    throw error;
  }
}

/** Fault `lease_held`. */
async function waitInTurn(writer: Knex, self: Self | undefined): Promise<void> {
  try {
    await faulted(() => refuseHeld(writer));
  } catch (error) {
    if (faultCode(error) === 'lease_held' && self !== undefined)
      await sayStandingBy(writer, self).catch(() => undefined); // only people look at it
    throw error;
  }
}

/** One that stood by has ended. Whether that is known matters little, so a failure is dropped. */
export async function leaveQueue({ database, self }: StoreOptions): Promise<void> {
  if (database === undefined || self === undefined) return;
  const engine = await postgresEngine({ ...database, connections: 1 });
  await forgetSelf(engine.writer, self)
    .catch(() => undefined) // it is forgotten after a day
    .finally(engine.close);
}
