/** A rolling upgrade: an older and a newer version run on one database, as long as the newer one only adds to it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Migration } from '../../controller/store/migration.ts';
import { migrations } from '../../controller/store/migrations/index.ts';
import { openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { databaseOf } from '../support/postgres.ts';
import { NOW_MS } from '../support/state.ts';

const nowMs = () => NOW_MS;
const ADDS: Migration = {
  name: '9998-adds',
  up: db => db.schema.alterTable('devices', t => void t.text('of_the_next_version')),
};
const TAKES: Migration = {
  name: '9999-takes',
  breaks: true,
  up: db => db.schema.alterTable('devices', t => void t.dropColumn('of_the_next_version')),
};

const codeOf = (start: Promise<unknown>): Promise<string> =>
  start.then(
    () => 'started',
    error => String((error as { code?: string }).code),
  );

test('the newer version starts beside the older one, which starts again on the schema of the newer', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const older = await openStore({ folder: first, database, nowMs });
      const newer = await openStore({ folder: second, database, nowMs, migrations: [...migrations, ADDS] });
      await older.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
      await newer.feed?.catchUp();
      assert.is(newer.devices.auth('d1')?.generation, 1);
      await older.close();
      const again = await openStore({ folder: first, database, nowMs });
      await newer.devices.revoke('d1', NOW_MS);
      await again.feed?.catchUp();
      assert.ok(again.devices.auth('d1')?.revoked);
      await again.close();
      await newer.close();
    }),
  ));

test('a version that does not know a removed table does not start', () =>
  withFolder(async folder => {
    const database = await databaseOf(folder);
    const newest = await openStore({ folder, database, nowMs, migrations: [...migrations, ADDS, TAKES] });
    await newest.close();
    assert.is(await codeOf(openStore({ folder, database, nowMs })), 'schema_newer');
    assert.is(
      await codeOf(openStore({ folder, database, nowMs, migrations: [...migrations, ADDS] })),
      'schema_newer',
    );
  }));

test.run();
