/** The data folder and its lock: one controller per folder. A killed controller leaves no lock behind (SPEC §7). */
import { access, constants, mkdir } from 'node:fs/promises';
import path from 'node:path';
import sqlite3 from 'sqlite3';
import { Fault } from '../domain/fault.ts';

export const DATABASE_FILE = 'ota.db';
const LOCK_FILE = 'ota.lock';

/** Creates the folder (not its parents) for its owner alone. Fault `data_folder_unwritable`. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      throw unwritable(folder, error);
  }
  try {
    await access(path.join(folder, '.'), constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(folder, error);
  }
}

const unwritable = (folder: string, cause: unknown): Fault =>
  new Fault(
    'data_folder_unwritable',
    `the data folder ${folder} cannot be created or written: check that its parent exists and who owns it`,
    {
      retry: 'never',
      cause,
    },
  );

/**
 * Takes the folder's lock: an exclusive transaction on a small file. The operating system ends it with the process,
 * however the process dies. Returns the function that releases it. Faults `data_folder_locked`, `data_folder_unwritable`.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = path.join(folder, LOCK_FILE);
  const db = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(file, error =>
      error === null ? resolve(opened) : reject(unwritable(folder, error)),
    );
  });
  const close = () =>
    new Promise<void>((resolve, reject) => db.close(error => (error === null ? resolve() : reject(error))));
  try {
    await new Promise<void>((resolve, reject) =>
      db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE', error =>
        error === null ? resolve() : reject(error),
      ),
    );
  } catch (error) {
    await close();
    const busy = error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY';
    if (!busy) throw unwritable(folder, error);
    throw new Fault(
      'data_folder_locked',
      `another controller runs on the data folder ${folder}: stop it, or set OTA_DATA to another folder`,
      {
        retry: 'backoff',
        cause: error,
      },
    );
  }
  return close;
}
