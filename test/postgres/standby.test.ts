/** The host of the controller is lost: the one that stood by leads, and the lost one writes nothing when it comes back. */

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Api from '../../schemas/api.d.ts';
import { until, withFolder } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { databaseOf } from '../support/postgres.ts';
import { CONTROLLER, environmentOf, startProcess } from '../support/process.ts';
import { makeRepository } from '../support/repository.ts';

test('a leader that is paused loses its lease to the one that stands by, and ends when it wakes', () =>
  withFolder(async folder => {
    const database = await databaseOf(folder);
    const repository = await makeRepository(`${folder}/repository`);
    const settings = (name: string) => ({
      OTA_DATA: `${folder}/${name}`,
      OTA_DATABASE: database?.url ?? '',
      OTA_TOKEN_KEY: `k1:${'5'.repeat(64)}`,
      OTA_NUDGE_KEY: '7'.repeat(64),
      OTA_SOURCE: pathToFileURL(repository.folder).href,
      OTA_STANDBY: 'true',
      OTA_LEASE: '1s',
    });
    const first = await startProcess(settings('first'), folder);
    const firstEnded = new Promise(resolve => first.child.once('close', resolve));
    const token = (await readFile(`${folder}/first/admin-token`, 'utf8')).trim();
    const enrol = (url: string, device_id: string) =>
      call(url, 'POST', '/v1/devices', { token, json: { device_id, tags: [] } });
    assert.is((await enrol(first.url, 'kiosk-1')).status, 201);

    // One that waits listens nowhere, and a signal ends it cleanly.
    const [node, ...args] = CONTROLLER;
    const waiting = spawn(node, args, { cwd: folder, env: environmentOf(settings('waiting'), folder) });
    let said = '';
    waiting.stdout.on('data', chunk => {
      said += String(chunk);
    });
    const waitingEnded = new Promise(resolve => waiting.once('close', resolve));
    await until('it stands by', async () => /"event":"ota.standby".*"code":"lease_held"/.test(said));
    const replicas = async (url: string): Promise<string> => {
      const { json } = await call(url, 'GET', '/v1/health', { token });
      return (json as Api.HealthReport).checks.find(c => c.part === 'replicas')?.text ?? '';
    };
    await until('people see both', async () =>
      /^\S+ \(\S+\) leads, \S+ \(\S+\) stands by$/.test(await replicas(first.url)),
    );
    waiting.kill('SIGTERM');
    assert.is(await waitingEnded, 0);
    assert.match(await replicas(first.url), /^\S+ \(\S+\) leads; none stands by$/);
    assert.not.match(said, /ota\.start/);
    assert.is((await enrol(first.url, 'kiosk-2')).status, 201, 'the first still leads');

    first.child.kill('SIGSTOP');
    const second = await startProcess(settings('second'), folder).catch(error => {
      first.child.kill('SIGKILL');
      throw error;
    });
    const enrolled = await enrol(second.url, 'kiosk-3');
    first.child.kill('SIGCONT');
    assert.is(enrolled.status, 201);
    assert.is(await firstEnded, 75, 'a service manager starts it again, to stand by');
    const seen = await call(second.url, 'GET', '/v1/devices/kiosk-1', { token });
    assert.is(seen.status, 200, 'what the first had acknowledged');

    // A leader that is stopped in good order leaves at once.
    const third = startProcess(settings('third'), folder);
    assert.is(await second.end('SIGTERM'), 0);
    const { url, end } = await third;
    assert.is((await enrol(url, 'kiosk-4')).status, 201);
    assert.is(await end('SIGTERM'), 0);
  }));

test.run();
