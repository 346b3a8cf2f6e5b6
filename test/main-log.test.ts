/** The process and a log that cannot be written. */
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from './support/folder.ts';
import { call } from './support/http.ts';
import { freePort, startUnheard } from './support/process.ts';

test('the disk of the log is full from the start: the service runs, and ends in order', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'releases'));
    const full = openSync('/dev/full', 'w');
    const running = await startUnheard({}, folder, await freePort(), full);
    try {
      for (let n = 0; n < 20; n++) assert.is((await call(running.url, 'GET', '/healthz')).status, 200);
    } finally {
      assert.is(await running.end('SIGTERM'), 0);
      closeSync(full);
    }
  }));

test('the reader of the log is stuck: the service runs, drops lines it cannot keep, and SIGTERM ends it', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'releases'));
    const running = await startUnheard({ OTA_LOG_LEVEL: 'debug' }, folder, await freePort(), 'unread');
    try {
      // Far more than a pipe holds: what is over waits in memory.
      for (let n = 0; n < 40; n++)
        await Promise.all(Array.from({ length: 100 }, () => call(running.url, 'GET', '/healthz')));
      assert.is((await call(running.url, 'GET', '/healthz')).status, 200);
    } finally {
      assert.is(await running.end('SIGTERM'), 0);
    }
  }));

test.run();
