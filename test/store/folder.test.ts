import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';
import { withStoreProcess } from '../support/store-process.ts';

const open = (folder: string) => openStore({ folder, nowMs: () => NOW_MS });
const failure = (folder: string): Promise<string> =>
  open(folder).then(async store => {
    await store.close();
    return 'opened';
  }, faultCode);

test('a missing data folder is created for its owner alone when its parent exists', () =>
  withFolder(async parent => {
    const folder = path.join(parent, 'data');
    assert.is(await failure(folder), 'opened');
    assert.is((await stat(folder)).mode & 0o777, 0o700);
    assert.is(await failure(path.join(parent, 'no', 'such')), 'data_folder_unwritable');
  }));

test('a file in the place of the data folder is named as such', () =>
  withFolder(async parent => {
    const file = path.join(parent, 'data');
    await writeFile(file, '');
    assert.is(await failure(file), 'data_folder_unwritable');
  }));

test('an unwritable data folder is refused', () =>
  withFolder(async parent => {
    // Root may write anywhere: the question is then put to a process without that right.
    const folder = path.join(parent, 'data');
    await mkdir(folder);
    await chmod(folder, 0o500);
    if (process.getuid?.() !== 0) {
      assert.is(await failure(folder), 'data_folder_unwritable');
      return;
    }
    await chmod(parent, 0o755);
    await chmod(folder, 0o555);
    const script = path.resolve(import.meta.dirname, '../support/store-process.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder, 'open'], {
      uid: 65_534,
      gid: 65_534,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TSX_DISABLE_CACHE: '1' },
    });
    const lines: string[] = [];
    child.stdout.on('data', chunk => lines.push(String(chunk)));
    await once(child, 'close');
    assert.match(lines.join(''), 'fault data_folder_unwritable');
  }));

test('one controller locks the data folder; closing it, or its end, opens it', () =>
  withStore(async (store, folder) => {
    assert.is(await failure(folder), 'data_folder_locked');
    await store.close();
    assert.is(await failure(folder), 'opened');
  }));

test('a controller killed with kill -9 leaves no lock behind', () =>
  withFolder(folder =>
    withStoreProcess(folder, 'open', async child => {
      await child.line('ready');
      assert.is(await failure(folder), 'data_folder_locked');
      await child.kill();
      assert.is(await failure(folder), 'opened');
    }),
  ));

test('a damaged database is named as such and left alone', () =>
  withFolder(async folder => {
    await writeFile(path.join(folder, DATABASE_FILE), 'this is not a database, and it is long enough to see');
    assert.is(await failure(folder), 'store_corrupt');
    assert.is((await stat(path.join(folder, DATABASE_FILE))).size, 52);
  }));

test.run();
