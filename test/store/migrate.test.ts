import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import type { Migration } from '../../controller/store/migration.ts';
import { migrations } from '../../controller/store/migrations/index.ts';
import { openKnex } from '../../controller/store/sqlite.ts';
import { openStore, type Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';

const next: Migration = {
  name: '9999-colour',
  async up(db) {
    await db.schema.alterTable('devices', t => {
      t.text('colour').notNullable().defaultTo('green');
    });
  },
};
const newer = [...migrations, next];
const LAST = `${migrations.at(-1)?.name}.db`;

async function opened<T>(folder: string, use: (store: Store) => Promise<T>, list = migrations): Promise<T> {
  const store = await openStore({ folder, nowMs: () => NOW_MS, migrations: list });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
const idle = async () => undefined;
const backups = (folder: string): Promise<string[]> => readdir(path.join(folder, 'backups')).catch(() => []);

async function rows<T>(file: string, sql: string): Promise<T[]> {
  const db = openKnex(file, ['query_only = ON'], 1);
  try {
    return (await db.raw(sql)) as T[];
  } finally {
    await db.destroy();
  }
}

test('a migration keeps the data and backs the database up first', () =>
  withFolder(async folder => {
    await opened(folder, store => store.devices.enrol([{ deviceId: 'd1', tags: ['qa'] }], NOW_MS));
    assert.equal(await backups(folder), [], 'a new database needs no backup');
    await opened(folder, async store => assert.equal(store.devices.auth('d1')?.tags, ['qa']), newer);
    assert.equal(await rows(path.join(folder, DATABASE_FILE), 'select device_id, colour from devices'), [
      { device_id: 'd1', colour: 'green' },
    ]);
    const [copy] = await backups(folder);
    assert.is(copy, LAST);
    const before = await rows<{ name: string }>(
      path.join(folder, 'backups', copy ?? ''),
      "select name from pragma_table_info('devices') where name = 'colour'",
    );
    assert.equal(before, [], 'the copy has the old schema');
    await opened(folder, idle, newer);
    assert.is((await backups(folder)).length, 1, 'nothing to migrate, nothing to back up');
  }));

test('an older binary refuses a newer schema and changes nothing', () =>
  withFolder(async folder => {
    await opened(folder, idle, newer);
    assert.is(await opened(folder, idle).catch(faultCode), 'schema_newer');
    await opened(folder, idle, newer);
  }));

test('a migration that fails leaves the old schema, and the next start tries again', () =>
  withFolder(async folder => {
    await opened(folder, store => store.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS));
    const broken: Migration = {
      name: next.name,
      async up(db, nowMs) {
        await next.up(db, nowMs);
        throw new Error('half way');
      },
    };
    const failure = await opened(folder, idle, [...migrations, broken]).catch(error => error);
    assert.match(String(failure), 'half way');
    await opened(folder, async store => assert.ok(store.devices.auth('d1')));
    await opened(folder, idle, newer);
    assert.equal(await backups(folder), [LAST], 'one copy, however often it was tried');
  }));

test('a process that died during a migration leaves no migration lock behind', () =>
  withFolder(async folder => {
    await opened(folder, idle);
    const db = openKnex(path.join(folder, DATABASE_FILE), [], 1);
    await db('schema_migrations_lock').update({ is_locked: 1 });
    await db.destroy();
    await opened(folder, idle, newer);
  }));

test.run();
