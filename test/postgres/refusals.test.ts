/** What an operator reads when the database cannot be used: the cause and the cure, and never the password. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { backupFolder, openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { databaseOf, onDatabase } from '../support/postgres.ts';
import { NOW_MS } from '../support/state.ts';

const server = process.env.TEST_POSTGRES ?? '';

async function refusal(url: string): Promise<Fault> {
  return withFolder(async folder => {
    try {
      const store = await openStore({ folder, database: { url, connections: 1 }, nowMs: () => NOW_MS });
      await store.close();
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
    throw new Error('it was opened');
  });
}

const CASES: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'nobody listens there',
    'postgres://ota:hunter2@127.0.0.1:1/ota',
    'store_unreachable',
    /cannot be reached/,
  ],
  [
    'the host has no address',
    'postgres://ota:hunter2@nowhere.invalid/ota',
    'store_unreachable',
    /cannot be reached/,
  ],
  [
    'no such user',
    `${server.replace('postgres@', 'nobody:hunter2@')}/postgres`,
    'store_refused',
    /user or password/,
  ],
  [
    'no such database',
    `${server.replace('postgres@', 'postgres:hunter2@')}/nothing`,
    'store_refused',
    /create it/,
  ],
  [
    'TLS is asked of a server without it',
    `${server.replace('postgres@', 'postgres:hunter2@')}/postgres?sslmode=verify-full`,
    'store_refused',
    /does not speak TLS/,
  ],
];

for (const [what, url, code, message] of CASES)
  test(`${what}: ${code}`, async () => {
    const fault = await refusal(url);
    assert.is(fault.code, code);
    assert.match(fault.message, message);
    assert.not.match(`${fault.message} ${fault.stack}`, /hunter2/);
  });

test('a user without the right to create tables gets the message that it must own its schema', () =>
  withFolder(async folder => {
    const { url } = (await databaseOf(folder, 'empty')) ?? { url: '' };
    await onDatabase(
      url,
      'do $$ begin create role guest login; exception when duplicate_object then null; end $$',
    );
    const fault = await refusal(url.replace('postgres@', 'guest@'));
    assert.is(fault.code, 'store_refused');
    assert.match(fault.message, /must own its schema/);
  }));

test('a server without free connections is reported with both remedies', () =>
  withFolder(async folder => {
    const { url } = (await databaseOf(folder)) ?? { url: '' };
    await onDatabase(url, `drop role if exists crowded; create role crowded login connection limit 0`);
    const fault = await refusal(url.replace('postgres@', 'crowded@'));
    assert.is(fault.code, 'store_busy');
    assert.match(fault.message, /max_connections.*OTA_DATABASE_CONNECTIONS/);
  }));

test('a database of a newer version is left alone', () =>
  withFolder(async folder => {
    const { url } = (await databaseOf(folder)) ?? { url: '' };
    await onDatabase(
      url,
      `insert into schema_migrations (name, batch, migration_time) values ('9999-later', 9, now());
       update schema_floor set migration = '9999-later'`,
    );
    const fault = await refusal(url);
    assert.is(fault.code, 'schema_newer');
    assert.match(fault.message, /9999-later/);
  }));

test('devices come in the order of bytes, whatever the locale of the database', () =>
  withFolder(async folder => {
    const { url } = (await databaseOf(folder, 'icu')) ?? { url: '' };
    const store = await openStore({ folder, database: { url, connections: 1 }, nowMs: () => NOW_MS });
    try {
      const ids = ['a', 'B', '-x', '_y', 'Z9', 'z-1', 'z_0', '10', '9'];
      await store.devices.enrol(
        ids.map(deviceId => ({ deviceId, tags: [] })),
        NOW_MS,
      );
      const listed = await store.devices.list({ limit: 99 });
      assert.equal(
        listed.map(row => row.deviceId),
        [...ids].sort((x, y) => (x < y ? -1 : 1)),
      );
    } finally {
      await store.close();
    }
  }));

test('tables of something else are left alone', () =>
  withFolder(async folder => {
    const { url } = (await databaseOf(folder, 'empty')) ?? { url: '' };
    await onDatabase(url, 'create table invoices (note text collate "POSIX")');
    const fault = await refusal(url);
    assert.is(fault.code, 'database_not_ours');
    await onDatabase(url, 'select note from invoices');
    const made = await refusal(url);
    assert.is(made.code, 'database_not_ours', 'and nothing was made beside them');
  }));

test('a data folder with a database of its own is refused: its devices would be unknown', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs: () => NOW_MS })).close();
    const database = await databaseOf(folder);
    const fault = await openStore({ folder, database, nowMs: () => NOW_MS }).catch(error => error);
    assert.is((fault as Fault).code, 'database_twice');
    assert.match((fault as Fault).message, /ota\.db holds a database.*OTA_DATABASE/);
  }));

test('ota backup on such a folder names pg_dump', () =>
  withFolder(async folder => {
    const fault = await backupFolder(folder, `${folder}/copy.db`).catch(error => error);
    assert.is((fault as Fault).code, 'backup_no_database');
    assert.match((fault as Fault).message, /pg_dump/);
  }));

test.run();
