/** Copies between a data folder and PostgreSQL, and what is in both. */
import path from 'node:path';
import type { Knex } from 'knex';
import { type Copied, type CopyOptions, copyStore } from '../../controller/store/copy/copy.ts';
import type { Place } from '../../controller/store/copy/place.ts';
import { cursorOf } from '../../controller/store/copy/rows.ts';
import { tablesOf } from '../../controller/store/copy/schema.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { type PostgresOptions, postgresEngine } from '../../controller/store/postgres.ts';
import { openKnex } from '../../controller/store/sqlite.ts';
import { databaseOf } from './postgres.ts';
import { NOW_MS } from './state.ts';

export const folderPlace = (folder: string): Place => ({ kind: 'folder', name: folder, folder });
export const postgresPlace = (database: PostgresOptions): Place => ({
  kind: 'postgres',
  name: new URL(database.url).pathname,
  database,
});

/** An empty database that stands for this name. */
export async function emptyDatabase(name: string): Promise<PostgresOptions> {
  const database = await databaseOf(name, 'empty');
  if (database === undefined) throw new Error('this test runs on PostgreSQL');
  return database;
}

export const copy = (from: Place, to: Place, more: Partial<CopyOptions> = {}): Promise<Copied> =>
  copyStore({ from, to, cutOver: false, nowMs: () => NOW_MS, newTicket: () => `to ${to.name}`, ...more });

/** Looks into a place behind everybody's back. */
export async function inPlace<T>(place: Place, use: (db: Knex) => Promise<T>): Promise<T> {
  if (place.kind === 'postgres') {
    const engine = await postgresEngine(place.database);
    try {
      return await use(engine.writer);
    } finally {
      await engine.close();
    }
  }
  const db = openKnex(path.join(place.folder, DATABASE_FILE), ['busy_timeout = 5000'], 1);
  try {
    return await use(db);
  } finally {
    await db.destroy();
  }
}

/** Every row of every table as text, by table. */
export const contentsOf = (place: Place): Promise<Record<string, string[]>> =>
  inPlace(place, async db => {
    const found: Record<string, string[]> = {};
    for (const table of await tablesOf(db)) {
      const rows: string[] = [];
      const cursor = cursorOf(db, table);
      for (await cursor.load(); !cursor.ended; cursor.spent ? await cursor.load() : undefined) {
        if (cursor.spent) continue;
        rows.push(cursor.row.text);
        cursor.advance();
      }
      found[table.name] = rows;
    }
    return found;
  });
