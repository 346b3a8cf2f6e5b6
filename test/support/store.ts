/** A real store on a temporary folder, closed and removed afterwards. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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

let template: Promise<string> | undefined;

/** An empty database of the newest schema, which is copied instead of migrating each; removed with the process. */
async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ota-template-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const store = await openStore({ folder, nowMs: () => NOW_MS });
  await store.close();
  return path.join(folder, DATABASE_FILE);
}

/** On the engine that this run of the tests is about. */
export async function openTestStore(options: StoreOptions): Promise<Store> {
  const { folder } = options;
  const database = await databaseOf(folder);
  if (database === undefined && !existsSync(path.join(folder, DATABASE_FILE))) {
    template ??= makeTemplate();
    await mkdir(folder, { recursive: true });
    await copyFile(await template, path.join(folder, DATABASE_FILE));
  }
  return openStore({ ...options, database });
}

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
