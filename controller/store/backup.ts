/** A copy of the database while it is in use: one consistent moment, written completely or not at all. */
import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { faulted } from './faults.ts';
import { DATABASE_FILE } from './folder.ts';
import { openKnex } from './sqlite.ts';

/**
 * Copies the database of a data folder to `toFile`, whether or not a controller runs on it.
 * Faults `backup_exists` (nothing is overwritten), `backup_no_database`, `backup_no_folder`, `disk_full`, `store_io`.
 */
export function backupFolder(folder: string, toFile: string): Promise<void> {
  return backupDatabase(path.join(folder, DATABASE_FILE), toFile);
}

/** `replace`: replaces an existing copy of that name atomically; otherwise an existing copy is refused. */
export async function backupDatabase(
  database: string,
  toFile: string,
  { replace = false } = {},
): Promise<void> {
  if (!(await exists(database)))
    throw new Fault(
      'backup_no_database',
      `${database} does not exist: set --data to the controller's data folder. A database on PostgreSQL is backed up there, with pg_dump`,
      { retry: 'never' },
    );
  const folder = path.dirname(toFile);
  if (!(await exists(folder)))
    throw new Fault('backup_no_folder', `the folder ${folder} does not exist: create it first`, {
      retry: 'never',
    });
  if (!replace && (await exists(toFile)))
    throw new Fault('backup_exists', `${toFile} exists and is not overwritten: choose another name`, {
      retry: 'never',
    });
  const partial = `${toFile}.partial`;
  await rm(partial, { force: true });
  const source = openKnex(database, ['busy_timeout = 30000'], 1);
  try {
    await faulted(() => source.raw('VACUUM INTO ?', [partial]));
    await chmod(partial, 0o600);
    await sync(partial);
    await rename(partial, toFile);
    await sync(folder);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await source.destroy();
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw new Fault('store_io', `${file} cannot be looked at`, { retry: 'never', cause: error });
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
