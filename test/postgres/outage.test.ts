/** The database server stops in the middle of a rollout and comes back: no device notices, and nobody restarts anything. */
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, type JourneyOptions, withController } from '../support/controller.ts';
import { until } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { onDatabase, type Server, startPostgres } from '../support/postgres.ts';

const REPORT = {
  request_id: 'req-outage-1',
  build_id: 'b42',
  outcome: 'ok',
  reason: 'installed',
  version_code: 42,
};

/** A controller on a PostgreSQL server that the test may crash and revive. */
async function withServer(
  use: (journey: Journey, server: Server) => Promise<void>,
  options: JourneyOptions,
): Promise<void> {
  const server = await startPostgres();
  if (server === undefined) throw new Error('these tests run on PostgreSQL');
  try {
    await onDatabase(`${server.url}/postgres`, 'create database ota');
    const settings = { ...options.settings, OTA_DATABASE: `${server.url}/ota` };
    await withController(journey => use(journey, server), { ...options, settings });
  } finally {
    await server.stop();
  }
}

test('while the database is away devices are offered the build, what must be written is refused, and it goes on after', async () => {
  await withServer(async (journey, server) => {
    await journey.merge(100);
    const [device] = await journey.enrol(['kiosk-1']);
    if (device === undefined) throw new Error('one device');
    const { token } = device;
    const check = async () =>
      (await call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token })).status;
    const report = () => call(journey.url, 'POST', '/v1/action-result', { token, json: REPORT });
    assert.is(await check(), 200);

    await server.crash();
    assert.is(await check(), 200, 'from memory');
    const refused = await report();
    assert.is(refused.status, 503);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.match(refused.json.detail, /cannot write to its database now, so nothing was changed/);
    const enrolment = await journey.admin('POST', '/v1/devices/import', {
      json: { devices: [{ device_id: 'kiosk-2' }] },
    });
    assert.is(enrolment.status, 503);
    assert.not.match(JSON.stringify(journey.log), /postgres:\/\//, 'the URL may hold a password');

    await server.revive();
    await until('the controller writes again', async () => (await report()).status === 200);
    assert.is(await check(), 200);
    const found = await journey.admin('GET', '/v1/devices/kiosk-1');
    assert.is((found.json as { device_id: string }).device_id, 'kiosk-1', 'what was written before is there');
  }, {});
});

test('a database that stays away: offers end with OTA_STALE_MAX, no APK and no operator gets in, and it comes back by itself', async () => {
  let movedMs = 0;
  const runtime = {
    wallMs: () => Date.now() + movedMs,
    monotonicMs: () => performance.now() + movedMs,
  };
  await withServer(
    async (journey, server) => {
      await journey.merge(100);
      const [device] = await journey.enrol(['kiosk-1']);
      if (device === undefined) throw new Error('one device');
      const { token } = device;
      const check = () => call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token });
      const apk = () => call(journey.url, 'GET', '/v1/agent/builds/b42/apk', { token });
      const ready = async () => (await call(journey.url, 'GET', '/readyz')).json as { status: string };
      const events = () => journey.log.map(line => line.event).filter(e => e.startsWith('ota.database.'));
      assert.is((await ready()).status, 'ready');

      await server.crash();
      await until('the controller notices', async () => (await ready()).status === 'degraded');
      movedMs += 100_000;
      assert.is((await check()).status, 200, 'memory is young enough');
      movedMs += 30_000;
      const held = await check();
      assert.is(held.status, 204);
      assert.is(held.headers['ota-decision'], 'suspended');
      assert.is.not((await apk()).status, 200, 'no bytes of what may be halted');
      const look = await journey.admin('GET', '/v1/rollout');
      assert.is(look.status, 503, 'the token may have been revoked meanwhile');
      assert.ok(Number(look.headers['retry-after']) > 0);
      assert.is((await ready()).status, 'degraded', 'a proxy keeps it: devices get an answer');
      await until('it says so', async () => events().includes('ota.database.stale'));

      await server.revive();
      await until('it is ready again', async () => (await ready()).status === 'ready');
      assert.is((await check()).status, 200);
      assert.is((await apk()).status, 200);
      assert.is((await journey.admin('GET', '/v1/rollout')).status, 200);
      assert.equal(events(), ['ota.database.fail', 'ota.database.stale', 'ota.database.ok']);
    },
    { settings: { OTA_STALE_MAX: '2m' }, runtime },
  );
});

test('after an outage of the database the same controller leads, and the other follows it', async () => {
  await withServer(
    async (journey, server) => {
      await journey.merge(100);
      const follower = await journey.another('second');
      await server.crash();
      const ready = async (url: string) =>
        ((await call(url, 'GET', '/readyz')).json as { status: string }).status;
      for (const { url } of [journey.controller, follower])
        await until('both notice', async () => (await ready(url)) === 'degraded');
      await pause(1_500); // longer than the lease
      await server.revive();
      for (const { url } of [journey.controller, follower])
        await until('both are back', async () => (await ready(url)) === 'ready');
      const revision = await journey.merge(50);
      await until('the follower follows', async () => follower.reconcile.snapshot?.revision === revision);
      assert.ok(journey.controller.store.leads);
      assert.not.ok(follower.store.leads);
    },
    { settings: { OTA_LEASE: '1s' } },
  );
});

test.run();
