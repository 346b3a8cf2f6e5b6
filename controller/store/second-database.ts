/**
 * Checks for a SQLite file in the data folder of a controller on PostgreSQL: allowed once its installation has moved
 * there.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import { faulted } from './faults.ts';
import { DATABASE_FILE } from './folder.ts';
import { installationIdIn, readMove } from './moves.ts';
import { openKnex } from './sqlite.ts';

/** Fault `database_twice`: the other database would not know the devices in the file, and would refuse all of them. */
export async function refuseSecondDatabase(folder: string, database: Knex): Promise<void> {
  const file = path.join(folder, DATABASE_FILE);
  if (!existsSync(file)) return;
  const moved = await movedFrom(file);
  if (moved === undefined)
    throw twice(
      `${file} holds a database, and OTA_DATABASE names another one that does not know its devices. Move the installation with ota store copy --from ${folder} --to postgres, unset OTA_DATABASE, or move the file away to begin anew`,
    );
  if (moved !== (await installationIdIn(database)))
    throw twice(
      `the installation of ${file} moved to another database than the one that OTA_DATABASE names. Name that one, or move the file away if this installation is meant`,
    );
}

const twice = (message: string): Fault => new Fault('database_twice', message, { retry: 'never' });

/** The installation that has left this file for good; undefined if none has. */
async function movedFrom(file: string): Promise<string | undefined> {
  const db = openKnex(file, ['busy_timeout = 5000', 'query_only = ON'], 1);
  try {
    return await faulted(async () => {
      if (!(await db.schema.hasTable('moves'))) return undefined;
      const move = await readMove(db);
      return move?.state === 'moved' ? move.installation : undefined;
    });
  } finally {
    await db.destroy();
  }
}
