import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { openKnex } from '../../controller/store/sqlite.ts';
import { backupFolder, openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

test('a backup taken while the store is in use opens as a store of its own', () =>
  withStore(async (store, folder) => {
    const ids = Array.from({ length: 200 }, (_, n) => `d${n}`);
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: ['qa'] })),
      NOW_MS,
    );
    await withFolder(async elsewhere => {
      const copy = path.join(elsewhere, DATABASE_FILE);
      const writes = ids.map(deviceId => store.devices.setTags(deviceId, ['lab']));
      await store.backup(copy);
      await Promise.all(writes);
      assert.equal(await readdir(elsewhere), [DATABASE_FILE]);
      assert.is((await stat(copy)).mode & 0o777, 0o600);
      const restored = await openStore({ folder: elsewhere, nowMs: () => NOW_MS });
      assert.is((await restored.devices.list({ limit: 1_000 })).length, 200);
      await restored.close();
      await backupFolder(folder, path.join(elsewhere, 'second.db'));
    });
  }));

test('a backup overwrites nothing and says when there is nothing to copy', () =>
  withFolder(async folder => {
    const file = path.join(folder, 'copy.db');
    assert.is(await backupFolder(folder, file).catch(faultCode), 'backup_no_database');
    await withStore(async store => {
      await writeFile(file, 'mine');
      assert.is(await store.backup(file).catch(faultCode), 'backup_exists');
      assert.is(await store.backup(path.join(folder, 'no', 'such.db')).catch(faultCode), 'backup_no_folder');
    });
  }));

test('a database that cannot be copied is named as the cause, and nothing is left behind', () =>
  withFolder(async folder => {
    await writeFile(
      path.join(folder, DATABASE_FILE),
      'no database at all, but long enough to be read as one'.repeat(40),
    );
    assert.is(await backupFolder(folder, path.join(folder, 'copy.db')).catch(faultCode), 'store_corrupt');
    assert.equal(await readdir(folder), [DATABASE_FILE]);
  }));

test('apk_download_events has a row with source agent-ota for every download', () =>
  withStore(async (store, folder) => {
    await store.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    await store.outcomes.recordDownload({
      deviceId: 'd1',
      buildId: 'b42',
      requestId: 'request-1',
      result: 'ok',
      status: 200,
      bytes: 5,
      atMs: NOW_MS,
      lastByte: true,
    });
    const db = openKnex(path.join(folder, DATABASE_FILE), ['query_only = ON'], 1);
    try {
      assert.equal(await db('apk_download_events').select('source', 'build_id', 'request_id', 'bytes'), [
        { source: 'agent-ota', build_id: 'b42', request_id: 'request-1', bytes: 5 },
      ]);
      assert.equal(await db.raw('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
    } finally {
      await db.destroy();
    }
  }));

test.run();
