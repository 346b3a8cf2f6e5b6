/** The process and its keys. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from './support/folder.ts';
import { call } from './support/http.ts';
import { refused, startProcess } from './support/process.ts';

for (const file of ['token-key', 'nudge-key'])
  test(`${file} lost while devices are enrolled: no start, no new key, and a word on how to get it back`, () =>
    withFolder(async folder => {
      await mkdir(path.join(folder, 'releases'));
      const data = path.join(folder, 'data');
      const where = path.join(data, file);
      const running = await startProcess({}, folder);
      const admin = (await readFile(path.join(data, 'admin-token'), 'utf8')).trim();
      const made = await call(running.url, 'POST', '/v1/devices', {
        token: admin,
        json: { device_id: 'd1' },
      });
      await running.end('SIGTERM');
      const key = await readFile(where, 'utf8');
      await rm(where);
      const lost = await refused({}, folder);
      assert.is(lost.code, 2);
      assert.match(lost.stderr, new RegExp(`${file} is missing, .*backup.*\\[key_missing\\]`));
      await writeFile(where, '');
      const empty = await refused({}, folder);
      assert.is(empty.code, 2);
      assert.match(empty.stderr, new RegExp(`${file} is empty.*\\[key_empty\\]`));
      await writeFile(where, key, { mode: 0o640 });
      const again = await startProcess({}, folder);
      const token = (made.json as { token: string }).token;
      const check = await call(again.url, 'GET', '/v1/agent/update?version_code=1', { token });
      assert.is(check.status, 503, 'known again; nothing was released yet');
      assert.match(again.stdout(), /"event":"ota.key.exposed"/);
      await again.end('SIGTERM');
    }));

test.run();
