/** A real store on a temporary folder, closed and removed afterwards. */
import path from 'node:path';
import type { Knex } from 'knex';
import type { Engine } from '../../controller/store/engine.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { postgresEngine } from '../../controller/store/postgres.ts';
import { openWriter, sqliteEngine } from '../../controller/store/sqlite.ts';
import { openStore, type Store, type StoreOptions } from '../../controller/store/store.ts';
import { withFolder } from './folder.ts';
import { databaseOf } from './postgres.ts';
import { NOW_MS } from './state.ts';

/** On the engine that this run of the tests is about. */
export const openTestStore = async (options: StoreOptions): Promise<Store> =>
  openStore({ ...options, database: await databaseOf(options.folder) });

/** Another look at the database of a store, as an engine of its own. */
export async function engineOf(folder: string): Promise<Engine> {
  const database = await databaseOf(folder);
  if (database !== undefined) return postgresEngine(database);
  const file = path.join(folder, DATABASE_FILE);
  return sqliteEngine(file, openWriter(file));
}

/** The tables of a store that may be open, read and written behind its back. */
export async function withTables<T>(folder: string, use: (db: Knex) => PromiseLike<T>): Promise<T> {
  const engine = await engineOf(folder);
  try {
    return await use(engine.writer);
  } finally {
    await engine.close();
  }
}

/** Time stands at NOW_MS unless `nowMs` says otherwise. */
export const withStore = <T>(
  use: (store: Store, folder: string) => Promise<T>,
  options: Partial<StoreOptions> = {},
): Promise<T> =>
  withFolder(async temporary => {
    const folder = options.folder ?? temporary;
    const store = await openTestStore({ nowMs: () => NOW_MS, ...options, folder });
    try {
      return await use(store, folder);
    } finally {
      await store.close();
    }
  });

/** What its tokens are accepted by, and its tags: where it is kept and when its token was made are told elsewhere. */
export function standingOf(devices: Pick<Store['devices'], 'auth'>, deviceId: string) {
  const auth = devices.auth(deviceId);
  if (auth === undefined) throw new Error(`${deviceId} is not known`);
  const { generation, previousGeneration, previousUntilMs, revoked, tags } = auth;
  return { generation, previousGeneration, previousUntilMs, revoked, tags };
}
