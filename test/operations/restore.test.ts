/** The drill of docs/operations.md: a controller is lost with its disk and comes back from its full backup. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { fullBackup } from '../../controller/store/archive.ts';
import { checkBackup, restoreBackup } from '../../controller/store/restore.ts';
import { openStore } from '../../controller/store/store.ts';
import { ota } from '../support/cli.ts';
import { withController } from '../support/controller.ts';
import { until, withFolder } from '../support/folder.ts';
import { type CallOptions, call } from '../support/http.ts';
import { DAY_MS, hexOf, NOW_MS } from '../support/state.ts';

const CHECK = '/v1/agent/update?version_code=41';
const ALL = { withArtifacts: true, withKeys: true, nowMs: NOW_MS };
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    error => faultCode(error),
  );

test('the drill: backup, loss, restore; devices that renewed since come in, and nothing handed out is issued anew', () =>
  withController(async journey => {
    await journey.merge(100);
    const [renewed, quiet] = await journey.enrol(['d-renewed', 'd-quiet']);
    await journey.controller.store.sessions.begin(hexOf('cookie'), {
      name: 'ann',
      basis: { kind: 'token', sha256: hexOf('token') },
      formToken: 'form',
      expiresAtMs: Date.now() + DAY_MS,
    });
    const backup = path.join(journey.folder, 'full.tar');
    await fullBackup(path.join(journey.folder, 'data'), backup, { ...ALL, nowMs: Date.now() });
    assert.is((await stat(backup)).mode & 0o777, 0o600);

    // Since the backup: one device renewed and used its token, one was enrolled.
    const check = async (token: string | undefined) =>
      (await call(journey.url, 'GET', CHECK, { token })).status;
    const newer = (await call(journey.url, 'POST', '/v1/agent/token', { token: renewed?.token })).json;
    assert.is(await check(newer.token), 200);
    const [late] = await journey.enrol(['d-late']);

    // The disk is gone.
    const restored = path.join(journey.folder, 'restored');
    await journey.controller.stop('lost');
    await rm(path.join(journey.folder, 'data'), { recursive: true });
    const checked = await checkBackup(backup, journey.folder);
    assert.equal([checked.devices, checked.artifacts, checked.missing.length], [2, 2, 0]);
    const { adminToken } = await restoreBackup(backup, restored, Date.now(), randomBytes);
    await journey.restart({ OTA_DATA: restored });

    assert.is(
      (await journey.admin('GET', '/v1/rollout')).status,
      401,
      'no operator token from before is valid',
    );
    const session = await journey.controller.store.sessions.find(hexOf('cookie'));
    assert.is(session, undefined, 'nobody is signed in to the pages any more');
    const admin = (method: string, target: string, json?: unknown) =>
      call(journey.url, method, target, { token: adminToken, ...(json === undefined ? {} : { json }) });
    assert.is((await admin('GET', '/v1/rollout')).status, 200);
    // The brake is on: known devices are answered, and nobody is offered the build.
    assert.is(await check(quiet?.token), 204, 'a device that did nothing meanwhile');
    assert.is(await check(newer.token), 204, 'a device that renewed meanwhile');
    assert.is((await admin('POST', '/v1/resume', { reason: 'restored' })).status, 200);
    assert.is(await check(quiet?.token), 200);
    assert.is(await check(newer.token), 200);
    assert.is(await check(renewed?.token), 401, 'its older token stays dead');
    assert.is(journey.log.filter(l => l.event === 'ota.token.adopted').length, 1);
    assert.is(await check(late?.token), 401, 'a device that the backup does not know');

    // What is issued now was never issued before.
    const again = (await admin('POST', '/v1/devices', { device_id: 'd-late' })).json as {
      generation?: number;
      token: string;
    };
    assert.not.equal(again.token, late?.token);
    const next = (await admin('POST', '/v1/devices/d-quiet/rotate', { grace_s: 0 })).json as {
      generation: number;
    };
    assert.is(next.generation, 1_001);
    const files = await readdir(restored);
    assert.not.ok(
      files.some(name => name.startsWith('.restore-')),
      files.join(),
    );
  }));

test('a backup without APKs: the restore names each with its build, and an upload brings its offers back', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['kiosk-7']);
    const backup = path.join(journey.folder, 'listed.tar');
    const only = { ...ALL, withArtifacts: false, nowMs: Date.now() };
    await fullBackup(path.join(journey.folder, 'data'), backup, only);
    await journey.controller.stop('lost');
    const restored = path.join(journey.folder, 'restored');
    const { code, out, err } = await ota(['restore', backup, '--data', restored], { cwd: journey.folder });
    assert.is(code, 0, err);
    const { b41, b42 } = journey.builds;
    for (const { build } of [b41, b42]) assert.match(err, `\n  ${build.buildId}  ${build.sha256}\n`);
    assert.match(err, `Copy each to ${path.join(restored, 'artifacts')}/<sha256>.apk before the start`);
    await journey.restart({ OTA_DATA: restored });
    const admin = (method: string, target: string, more: CallOptions) =>
      call(journey.url, method, target, { token: out.trim(), ...more });
    const resumed = await admin('POST', '/v1/resume', { json: { reason: 'restored' } });
    assert.is(resumed.status, 200);
    const check = () => call(journey.url, 'GET', CHECK, { token: device?.token });
    assert.is((await check()).headers['ota-decision'], 'artifact_missing');
    const printed = /-H "Content-Type: ([a-z/-]+)"/.exec(err)?.[1] ?? '';
    const sent = { body: b42.apk, headers: { 'content-type': printed } };
    const put = await admin('PUT', `/v1/artifacts/${b42.build.sha256}`, sent);
    assert.is(put.status, 201);
    await until('the offer', async () => (await check()).status === 200);
  }));

test('after 30 days no newer token is taken any more, and a number from after the restore never', () =>
  withFolder(async folder => {
    const data = path.join(folder, 'data');
    let nowMs = NOW_MS;
    const open = (at: string) => openStore({ folder: at, nowMs: () => nowMs });
    const store = await open(data);
    await store.devices.enrol(
      [
        { deviceId: 'd1', tags: [] },
        { deviceId: 'gone', tags: [] },
      ],
      NOW_MS,
    );
    await store.devices.erase('gone');
    await store.outbox.add([
      { topic: 'nudge', key: 'campaign:1', payload: {}, notBeforeMs: 0 },
      { topic: 'github', key: 'row', payload: {}, notBeforeMs: 0 },
      { topic: 'notify:ops', key: 'id', payload: {}, notBeforeMs: 0 },
      { topic: 'notify:log', key: 'id', payload: {}, notBeforeMs: 0 },
    ]);
    await store.close();
    for (const key of ['token-key', 'nudge-key']) await writeFile(path.join(data, key), 'secret\n');
    const backup = path.join(folder, 'full.tar');
    await fullBackup(data, backup, ALL);
    const restored = path.join(folder, 'restored');
    await restoreBackup(backup, restored, NOW_MS, randomBytes);
    const back = await open(restored);
    try {
      assert.equal(await back.outbox.pending('nudge'), [], 'a campaign from before the backup is over');
      assert.equal(
        (await back.outbox.waiting()).map(w => w.topic),
        ['github'],
        'so is every notification',
      );
      assert.is((await back.outbox.pending('github')).length, 1);
      assert.is(back.devices.adoptGeneration('d1', 1_001), false, 'issued only after the restore');
      assert.is(back.devices.adoptGeneration('d1', 1), false);
      assert.is(back.devices.adoptGeneration('stranger', 2), false);
      nowMs += 30 * DAY_MS - 1;
      assert.is(back.devices.adoptGeneration('d1', 3), true);
      assert.is(back.devices.auth('d1')?.generation, 3);
      nowMs += 1;
      assert.is(back.devices.adoptGeneration('d1', 4), false);
      const [returned] = await back.devices.enrol([{ deviceId: 'gone', tags: [] }], nowMs);
      assert.is(returned?.generation, 1_002);
      assert.is(await back.devices.rotate('d1', 0), 1_001);
      const actions = (await back.audit.list({ limit: 9 })).map(row => row.action);
      assert.equal(actions, ['device.adopt', 'restore']);
      assert.is((await readFile(path.join(restored, 'token-key'), 'utf8')).trim(), 'secret');
      assert.is((await stat(path.join(restored, 'token-key'))).mode & 0o777, 0o600);
    } finally {
      await back.close();
    }
  }));

test('without a restore no newer generation is ever taken', () =>
  withFolder(async folder => {
    const store = await openStore({ folder: path.join(folder, 'data'), nowMs: () => NOW_MS });
    await store.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    assert.is(store.devices.adoptGeneration('d1', 2), false);
    await store.close();
  }));

test('a damaged or foreign file is refused and changes nothing; so is a folder that is in use', () =>
  withFolder(async folder => {
    const data = path.join(folder, 'data');
    const store = await openStore({ folder: data, nowMs: () => NOW_MS });
    await store.close();
    const backup = path.join(folder, 'full.tar');
    assert.is(await refusal(fullBackup(data, backup, ALL)), 'backup_no_key');
    assert.equal((await readdir(folder)).sort(), ['data'], 'nothing half-made is left');
    await mkdir(path.join(data, 'artifacts'), { recursive: true });
    const manifest = await fullBackup(data, backup, { ...ALL, withKeys: false });
    assert.equal(manifest.keys, []);
    assert.is(await refusal(fullBackup(data, backup, ALL)), 'backup_exists');
    assert.is(await refusal(restoreBackup(backup, data, NOW_MS, randomBytes)), 'restore_exists');
    const whole = await readFile(backup);
    const target = path.join(folder, 'target');
    for (const [what, bytes] of [
      ['cut', whole.subarray(0, whole.length / 2)],
      [
        'flipped',
        Buffer.from(whole)
          .fill(whole[20_000] ?? 0 ^ 1, 20_000, 20_001)
          .fill('x', 12_000, 12_100),
      ],
      ['foreign', Buffer.from('not a tar')],
    ] as const) {
      const file = path.join(folder, `${what}.tar`);
      await writeFile(file, bytes);
      assert.is(await refusal(checkBackup(file, folder)), 'backup_broken', what);
      assert.is(await refusal(restoreBackup(file, target, NOW_MS, randomBytes)), 'backup_broken', what);
      assert.equal(await readdir(target), [], what);
    }
    assert.is(await refusal(checkBackup(path.join(folder, 'none.tar'), folder)), 'backup_missing');
    await chmod(backup, 0o600);
    assert.is(await refusal(restoreBackup(backup, target, NOW_MS, randomBytes)), 'accepted');
  }));

test.run();
