/** The push service is down, absent, or answers for strangers: nothing is lost, and nothing is done but counted. */
import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentEvent } from '../../agent/event.ts';
import { Fleet } from '../../agent/fleet/fleet.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { type Journey, withController } from '../support/controller.ts';
import { withFcm } from '../support/fcm.ts';
import { call } from '../support/http.ts';

const IDS = Array.from({ length: 60 }, (_, i) => `tablet-${i}`);
const BASE = { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } } as const;
const tokenOf = (deviceId: string): string => `push:${deviceId}`;
const idOf = (token: string): string => token.slice('push:'.length);

async function withFleet(
  journey: Journey,
  use: (fleet: Fleet, events: AgentEvent[]) => Promise<void>,
): Promise<void> {
  const enrolled = await journey.enrol(IDS);
  const events: AgentEvent[] = [];
  const fleet = new Fleet({
    url: journey.url,
    seed: 3,
    onEvent: (_, event) => void events.push(event),
    devices: enrolled.map(d => ({
      deviceId: d.device_id,
      token: d.token,
      nudgeKey: Buffer.from(d.nudge_key, 'base64'),
      pushToken: tokenOf(d.device_id),
      versionCode: 41,
      buildId: 'b41',
      signer: journey.builds.b41.build.signerFingerprint,
    })),
  });
  try {
    await fleet.start();
    await use(fleet, events);
  } finally {
    await fleet.stop();
  }
}

test('an FCM outage of several minutes loses nothing, and nobody is nudged twice', () =>
  withFcm((server, fcm) =>
    withController(
      async journey => {
        await journey.merge(BASE);
        await withFleet(journey, async () => {
          server.refuse = () => 'INTERNAL';
          await journey.merge(100);
          for (let minute = 0; minute < 6; minute++) {
            await journey.controller.outbox.drain();
            await journey.pass(76_000);
          }
          assert.is(server.received.length, 0);
          assert.ok(server.requests <= 7 * IDS.length, `${server.requests} requests`);
          assert.ok((await journey.metric('ota_nudges_total', { result: 'retry' })) >= IDS.length);
          server.refuse = () => undefined;
          await journey.controller.outbox.drain();
          assert.equal(server.received.map(m => idOf(m.token)).sort(), [...IDS].sort());
          assert.equal(server.violations, []);
        });
      },
      { runtime: { pusher: fcm } },
    ),
  ));

test('a token that FCM no longer knows is dropped until the device registers another', () =>
  withFcm((server, fcm) =>
    withController(
      async journey => {
        await journey.merge(BASE);
        const [device] = await journey.enrol(['kiosk-7']);
        await call(journey.url, 'GET', '/v1/agent/update?version_code=41&build_id=b41', {
          token: device?.token,
        });
        const register = (fcm_token: string) =>
          call(journey.url, 'PUT', '/v1/agent/push-token', { token: device?.token, json: { fcm_token } });
        await register('first');
        const tried: string[] = [];
        server.refuse = token => {
          tried.push(token);
          return token === 'first' ? 'UNREGISTERED' : undefined;
        };
        const toFirst = () => tried.filter(token => token === 'first').length;
        await journey.merge(100);
        await journey.controller.outbox.drain();
        assert.is(toFirst(), 1);
        await journey.merge(BASE);
        await journey.merge(100);
        await journey.controller.outbox.drain();
        assert.is(toFirst(), 1);
        await register('second');
        await journey.merge(BASE);
        await journey.merge(100);
        await journey.controller.outbox.drain();
        assert.equal(
          server.received.map(m => m.token),
          ['second'],
        );
      },
      { runtime: { pusher: fcm } },
    ),
  ));

test('forged, replayed and misdirected nudges do nothing but count', () =>
  withFcm((server, fcm) =>
    withController(
      async journey => {
        await journey.merge(BASE);
        await withFleet(journey, async (fleet, events) => {
          await journey.merge(10);
          await journey.controller.outbox.drain();
          const exposed = IDS.filter(id => bucketOf(id, '') < 1_000);
          assert.ok(exposed.length > 1);
          for (const { token, data } of server.received) fleet.push(idOf(token), data);
          await fleet.settled();
          assert.is(fleet.summary().running['42'], exposed.length);

          const checks = fleet.summary().checks;
          const before = events.length;
          for (const { token, data } of server.received) {
            fleet.push(idOf(token), data);
            fleet.push(idOf(token), { ...data, hmac: '0'.repeat(64) });
            fleet.push(idOf(token), { ...data, request_id: randomUUID() });
            for (const other of IDS) if (other !== idOf(token)) fleet.push(other, data);
          }
          await fleet.settled();
          const counted = events.slice(before).map(e => (e.type === 'ota.nudge.ignored' ? e.code : e.type));
          const replayed = exposed.length;
          const forged = exposed.length * (2 + IDS.length - 1);
          assert.is(counted.filter(c => c === 'replayed').length, replayed);
          assert.is(counted.filter(c => c === 'bad_hmac').length, forged);
          assert.is(counted.length, replayed + forged);
          assert.is(fleet.summary().checks, checks);
        });
      },
      { runtime: { pusher: fcm } },
    ),
  ));

test('without credentials the controller says once that nudges are off, and polling carries the fleet', () =>
  withController(async journey => {
    await journey.merge(BASE);
    await withFleet(journey, async fleet => {
      await journey.merge(100);
      await journey.pass(60_000);
      const off = journey.log.filter(l => l.event === 'ota.nudge.off');
      assert.is(off.length, 1);
      assert.match(String(off[0]?.reason), 'OTA_FCM_CREDENTIALS');
      assert.equal(await journey.controller.store.outbox.pending('nudge'), []);
      await fleet.pollAll();
      assert.is(fleet.summary().running['42'], IDS.length);
    });
  }));

test.run();
