/** A controller that stops still answers what it has begun, and so it must still hear of the others. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withController } from '../support/controller.ts';
import { until } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { rawConnection, requestHead } from '../support/raw.ts';
import { withTables } from '../support/store.ts';

for (const [who, stopsLeader] of [
  ['leads', true],
  ['follows', false],
] as const)
  test(`a controller that ${who} hears of a brake while it stops, because its downloads must end`, () =>
    withController(
      async journey => {
        const other = await journey.another('second');
        await journey.merge(100);
        await until('both have it', async () => other.reconcile.snapshot?.rollout.current === 'b42');
        const [stopping, staying] = stopsLeader ? [journey.controller, other] : [other, journey.controller];
        const { socket } = await rawConnection(Number(new URL(stopping.operatorUrl).port));
        const headers = {
          Authorization: `Bearer ${journey.adminToken}`,
          'Content-Type': 'application/json',
          'Content-Length': '100',
        };
        // A request that does not end keeps the listener open.
        socket.write(`${requestHead('POST /v1/devices', headers)}{`);
        await until('it has the request', async () => socket.bytesWritten > 0);
        let hasStopped = false;
        const stopped = stopping.stop('upgrade').then(() => {
          hasStopped = true;
        });
        await until('the other one leads', async () => staying.store.leads);
        const braked = await call(staying.operatorUrl, 'POST', '/v1/brake', {
          token: journey.adminToken,
          json: { reason: 'it burns' },
        });
        assert.is(braked.status, 200);
        await until('it is heard', async () => stopping.reconcile.snapshot?.halts.length === 1);
        assert.not.ok(hasStopped, 'while it still answers');
        socket.destroy();
        await stopped;
      },
      { settings: { OTA_LEASE: '1s' } },
    ));

test('a leader that is overtaken while it stops ends without an error', () =>
  withController(
    async journey => {
      await journey.merge(100);
      await withTables(`${journey.folder}/data`, db => db('leader').increment('epoch', 1));
      await journey.controller.stop('upgrade');
    },
    { runtime: { overtaken: () => undefined } },
  ));

test.run();
