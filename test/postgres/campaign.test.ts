/** The leader is killed in the middle of a campaign: the controller that follows goes on from the page that was reached. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openStore } from '../../controller/store/store.ts';
import { type FcmServer, withFcm } from '../support/fcm.ts';
import { until, withFolder } from '../support/folder.ts';
import { anApk, eventually, sha256Of } from '../support/http.ts';
import { type Child, type Line, startChild } from '../support/nudge/child.ts';
import { databaseOf, onDatabase } from '../support/postgres.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aRollout, aState, NOW_MS } from '../support/state.ts';

const DEVICES = 6_000;
const PAGE = 500;
const MASTER = 'ab'.repeat(32);

interface Site {
  readonly database: string;
  start(name: string): Child;
}

async function makeSite(folder: string, server: FcmServer): Promise<Site> {
  const database = await databaseOf(folder);
  if (database === undefined) throw new Error('these tests run on PostgreSQL');
  const [releases, apks] = [path.join(folder, 'releases'), path.join(folder, 'apks')];
  await mkdir(apks);
  const made = [await anApk(41), await anApk(42)];
  for (const { apk } of made) await writeFile(path.join(apks, `${sha256Of(apk)}.apk`), apk);
  await writeReleases(
    releases,
    releaseFiles(aState({ builds: made.map(m => m.build), rollout: aRollout(100) })),
  );
  const store = await openStore({ folder: path.join(folder, 'enrolling'), database, nowMs: () => NOW_MS });
  const ids = Array.from({ length: DEVICES }, (_, n) => ({ deviceId: `d-${n}`, tags: [] }));
  await store.devices.enrol(ids, Date.now());
  await store.close();
  await onDatabase(
    database.url,
    "insert into push_tokens (device_id, token) select device_id, 'push:' || device_id from devices",
  );
  return {
    database: database.url,
    start: name =>
      startChild('test/support/nudge/controller-process.ts', {
        FCM_PORT: String(server.port),
        CLOCK_SPEED: '5',
        OTA_DATA: path.join(folder, name),
        OTA_DATABASE: database.url,
        OTA_LEASE: '1s',
        OTA_PORT: '0',
        OTA_SOURCE: releases,
        OTA_ARTIFACTS: apks,
        OTA_NUDGES_PER_SECOND: '8000',
        OTA_NUDGE_KEY: MASTER,
        OTA_TOKEN_KEY: `test:${MASTER}`,
      }),
  };
}

const campaign = (state: string) => (line: Line) =>
  line.event === 'ota.nudge.campaign' && line.state === state;
const role = (name: string) => (line: Line) => line.event === 'ota.role' && line.role === name;

test('every device is nudged by one of the two controllers, and at most one page twice', () =>
  withFolder(folder =>
    withFcm(async server => {
      const site = await makeSite(folder, server);
      server.fallSilentAt = DEVICES * 0.5;
      const first = site.start('first');
      const children = [first];
      try {
        await first.until('it leads', role('leads'));
        const second = site.start('second');
        children.push(second);
        await second.until('it follows', role('follows'));
        await first.until('the campaign', campaign('started'));
        await eventually(() => server.received.length >= server.fallSilentAt);
        const before = server.received.length;
        await first.kill('SIGKILL');
        server.fallSilentAt = Number.POSITIVE_INFINITY;
        await second.until('it leads', role('leads'));
        const resumed = await second.until('the campaign again', campaign('resumed'));
        assert.ok(Number(resumed.sent) <= before);
        await second.until('its end', campaign('done'));
      } finally {
        for (const child of children) await child.kill();
      }
      const times = new Map<string, number>();
      for (const { token } of server.received) times.set(token, (times.get(token) ?? 0) + 1);
      assert.is(times.size, DEVICES);
      const twice = [...times.values()].filter(n => n > 1);
      assert.ok(twice.length <= PAGE, `${twice.length} nudged twice`);
      assert.ok(twice.every(n => n === 2));
      assert.equal(server.violations, []);
    }),
  ));

test('a device that is nudged is offered the build by every controller by then', () =>
  withFolder(folder =>
    withFcm(async server => {
      const site = await makeSite(folder, server);
      const first = site.start('first');
      const children = [first];
      try {
        await first.until('it leads', role('leads'));
        const second = site.start('second');
        children.push(second);
        const started = await second.until('it starts', line => line.event === 'ota.start');
        await until('the first nudge', async () => server.received.length > 0);
        const ready = await fetch(`${String(started.url)}/readyz`);
        assert.is(ready.status, 200, 'the follower has the revision');
      } finally {
        for (const child of children) await child.kill();
      }
    }),
  ));

test.run();
