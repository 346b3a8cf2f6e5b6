/** A controller that was forgotten somewhere must not go on offering what the one that took over has stopped. */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { databaseOf } from '../support/postgres.ts';
import { startProcess } from '../support/process.ts';
import { makeRepository } from '../support/repository.ts';

test('the older of two controllers stops by itself, for good, and the newer one goes on', () =>
  withFolder(async folder => {
    const database = await databaseOf(folder);
    const repository = await makeRepository(`${folder}/repository`);
    const start = (name: string) =>
      startProcess(
        {
          OTA_DATA: `${folder}/${name}`,
          OTA_DATABASE: database?.url ?? '',
          OTA_TOKEN_KEY: `k1:${'5'.repeat(64)}`,
          OTA_NUDGE_KEY: '7'.repeat(64),
          OTA_SOURCE: pathToFileURL(repository.folder).href,
        },
        folder,
      );
    const older = await start('older');
    const ended = new Promise(resolve => older.child.once('close', resolve));
    const newer = await start('newer');
    // Nobody writes to the older one: it asks the database whether it is still its own.
    assert.is(await ended, 2, 'a code that a service manager does not start again');
    const token = (await readFile(`${folder}/older/admin-token`, 'utf8')).trim();
    const enrol = (url: string) =>
      call(url, 'POST', '/v1/devices', { token, json: { device_id: 'kiosk-1', tags: [] } });
    assert.match(older.stdout(), /"event":"ota\.stop".*"reason":"overtaken"/);
    assert.is((await enrol(newer.url)).status, 201);
    assert.is(await newer.end('SIGTERM'), 0);
  }));

test.run();
