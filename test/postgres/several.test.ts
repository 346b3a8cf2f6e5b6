/** Several controllers on one database: whatever is done at one holds at all, whoever leads. */
import { rm } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Controller } from '../../controller/compose/controller.ts';
import type * as Api from '../../schemas/api.d.ts';
import { type Journey, withController } from '../support/controller.ts';
import { withFcm } from '../support/fcm.ts';
import { until } from '../support/folder.ts';
import { type CallOptions, call } from '../support/http.ts';
import { releaseFiles } from '../support/releases.ts';
import { aRollout, aState } from '../support/state.ts';

/** The controller that leads, and one that follows it. */
const withFollower = (
  use: (journey: Journey, follower: Controller) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> =>
  withController(async journey => use(journey, await journey.another('second')), {
    settings: { OTA_LEASE: '1s', ...settings },
  });

const asOperator =
  (journey: Journey, { operatorUrl }: Controller) =>
  (method: string, target: string, more: CallOptions = {}) =>
    call(operatorUrl, method, target, { token: journey.adminToken, ...more });

const check = (url: string, token: string) =>
  call(url, 'GET', '/v1/agent/update?version_code=41&build_id=b41&sdk=33', { token });

async function enrolled(journey: Journey): Promise<string> {
  const [device] = await journey.enrol(['kiosk-1']);
  if (device === undefined) throw new Error('one device was enrolled');
  return device.token;
}

test('a device that is enrolled at one controller is known to the other at once, and its new token too', () =>
  withFollower(async (journey, follower) => {
    await journey.merge(100);
    const token = await enrolled(journey);
    assert.is((await check(follower.url, token)).status, 200);
    const renewed = await call(follower.url, 'POST', '/v1/agent/token', { token });
    const { token: next } = renewed.json as Api.Credentials;
    assert.is((await check(journey.url, next)).status, 200, 'the newer one, where it was not made');
    await until(
      'the older one is dead everywhere',
      async () => (await check(follower.url, token)).status === 401,
    );
    assert.is((await check(follower.url, 'v1.k1.kiosk-9.1.no-token')).status, 401);
  }));

test('what is merged governs on both, a build is downloaded from either, and either takes the result', () =>
  withFollower(async (journey, follower) => {
    const token = await enrolled(journey);
    await journey.merge(100);
    const apk = await call(follower.url, 'GET', '/v1/agent/builds/b42/apk', { token });
    assert.is(apk.status, 200, 'at once: the device was told of it by the other one');
    assert.ok(apk.body.equals(journey.builds.b42.apk));
    const report = {
      request_id: 'req-1-of-kiosk',
      build_id: 'b42',
      outcome: 'ok',
      reason: 'installed',
      version_code: 42,
    };
    const taken = await call(follower.url, 'POST', '/v1/action-result', { token, json: report });
    assert.is(taken.status, 200);
    const again = await call(journey.url, 'POST', '/v1/action-result', { token, json: report });
    assert.ok((again.json as Api.ActionResultTaken).repeated, 'acknowledged means kept');
    const revision = await journey.merge(0);
    await until('the follower offers nothing', async () => (await check(follower.url, token)).status === 204);
    const rollout = await asOperator(journey, follower)('GET', '/v1/rollout');
    assert.is((rollout.json as Api.RolloutView).revision, revision);
  }));

test('a brake that is pressed at the follower stops the build at both, and is lifted from there', () =>
  withFollower(async (journey, follower) => {
    const token = await enrolled(journey);
    await journey.merge(100);
    const operator = asOperator(journey, follower);
    const pressed = await operator('POST', '/v1/brake', { json: { reason: 'it burns' } });
    assert.is(pressed.status, 200);
    assert.is((await check(follower.url, token)).status, 204, 'at once where it was pressed');
    await until('the leader offers nothing', async () => (await check(journey.url, token)).status === 204);
    const told = (await journey.admin('GET', '/v1/rollout')).json as Api.RolloutView;
    assert.is(told.exposure?.halts[0]?.reason, 'it burns');
    const resumed = await operator('POST', '/v1/resume', { json: { reason: 'it was the toaster' } });
    assert.is(resumed.status, 200);
    assert.is((resumed.json as Api.Resumed).lifted.length, 1);
    assert.is((await check(follower.url, token)).status, 200);
    assert.is((await check(journey.url, token)).status, 200);
    const nothing = await operator('POST', '/v1/resume', { json: { reason: 'once more' } });
    assert.is((nothing.json as { code: string }).code, 'resume_nothing', 'the leader says why not');
  }));

test('a brake that was pressed just now at the other is lifted at once, and a follower that fails to follow presses one', () =>
  withFollower(async (journey, follower) => {
    await journey.merge(100);
    const operator = asOperator(journey, follower);
    await until('it follows', async () => follower.reconcile.snapshot?.rollout.current === 'b42');
    for (let n = 0; n < 3; n++) {
      assert.is((await operator('POST', '/v1/brake', { json: { reason: `${n}` } })).status, 200);
      const resumed = await journey.admin('POST', '/v1/resume', { json: { reason: 'by mistake' } });
      assert.is((resumed.json as Api.Resumed).lifted.length, 1, `${n}`);
    }
    follower.store.feed?.subscribe(async () => {
      throw new Error('it cannot follow');
    });
    const pressed = await operator('POST', '/v1/brake', { json: { reason: 'it burns' } });
    assert.is(pressed.status, 200);
    await until('all are stopped', async () => journey.controller.reconcile.snapshot?.halts.length === 1);
  }));

test('a brake for a build that is not current any more stops the one that is', () =>
  withFollower(async (journey, follower) => {
    const all = { kind: 'percent', percent: 100 } as const;
    await journey.merge({ current: 'b41', lastSafe: undefined, exposure: all });
    await until('it follows', async () => follower.reconcile.snapshot?.rollout.current === 'b41');
    await journey.merge(100);
    const { json } = await asOperator(journey, follower)('POST', '/v1/brake', { json: { reason: 'stop' } });
    assert.is((json as Api.BrakePressed).halt.build_id, 'b42');
  }));

test('the follower asks the leader for a pass, and shows what the leader knows of the source', () =>
  withFollower(async (journey, follower) => {
    await journey.merge(50);
    const { builds } = journey;
    const state = aState({ builds: [builds.b41.build, builds.b42.build], rollout: aRollout(60) });
    const revision = await journey.repository.commit(releaseFiles(state), { atMs: Date.now() });
    const { status, json } = await asOperator(journey, follower)('POST', '/v1/reconcile', { json: {} });
    assert.is(status, 200);
    const { attempted_revision, source_read_at } = json as Api.ReconcileStatus;
    assert.is(attempted_revision, revision);
    assert.is(follower.reconcile.snapshot?.revision, revision, 'and offers it already');
    assert.ok(source_read_at, 'the leader has read it');
    assert.not.ok(journey.log.some(line => line.event === 'ota.reconcile.fail'));
  }));

test('an operator who is let in at one controller is let in at the other, and a revoked one at neither', () =>
  withFollower(async (journey, follower) => {
    const made = await journey.admin('POST', '/v1/admin-tokens', {
      json: { name: 'bob', scopes: ['read'], expires_in_s: 3_600 },
    });
    const { token } = made.json as { token: string };
    const read = (url: string) => call(url, 'GET', '/v1/health', { token });
    assert.is((await read(follower.operatorUrl)).status, 200);
    await asOperator(journey, follower)('DELETE', '/v1/admin-tokens/bob');
    await until('nor at the other', async () => (await read(journey.controller.operatorUrl)).status === 401);
    assert.is((await read(follower.operatorUrl)).status, 401);
  }));

test('when the leader stops, the follower leads: it reads the source, and a ramp goes on from its step', () =>
  withFollower(async (journey, follower) => {
    const token = await enrolled(journey);
    await journey.merge(100);
    await until('it follows', async () => (await check(follower.url, token)).status === 200);
    assert.not.ok(follower.store.leads);
    await journey.controller.stop('upgrade');
    assert.is((await check(follower.url, token)).status, 200, 'all the time');
    await until('it leads', async () => follower.store.leads);
    const said = () => journey.log.filter(line => line.event === 'ota.role').map(line => line.role);
    await until('it says so', async () => said().at(-1) === 'leads');
    assert.equal(said(), ['leads', 'follows', 'leads']);
    await journey.repository.record();
    const operator = asOperator(journey, follower);
    const { json } = await operator('POST', '/v1/reconcile', { json: {} });
    assert.equal((json as Api.ReconcileStatus).problems, []);
    assert.is((await operator('GET', '/v1/health')).status, 200);
  }));

test('a follower whose shared folder is gone does not lead: it would hold every build', async () => {
  const ended: string[] = [];
  await withController(
    async journey => {
      await journey.another('second');
      await rm(`${journey.folder}/data/artifacts/.shared`);
      await journey.controller.stop('lost');
      await until('it gives up', async () => ended.includes('takeover_failed'));
    },
    { settings: { OTA_LEASE: '1s' }, runtime: { overtaken: code => void ended.push(code) } },
  );
});

test('a controller whose folder is not that of the leader does not serve', () =>
  withController(async journey => {
    const apart = journey.another('apart', { OTA_ARTIFACTS: `${journey.folder}/apart/artifacts` });
    const code = await apart.then(
      () => 'it started',
      error => (error as { code?: string }).code,
    );
    assert.is(code, 'artifacts_not_shared');
  }));

test('with a follower nudges wait until it has followed', () =>
  withFcm(async (_, pusher) =>
    withController(
      async journey => {
        await journey.another('second');
        let percent = 0;
        await until('a campaign waits', async () => {
          percent = 100 - percent;
          await journey.merge(percent);
          const [row] = await journey.controller.store.outbox.pending('nudge');
          return row !== undefined && row.notBeforeMs > 0;
        });
      },
      { settings: { OTA_LEASE: '1s' }, runtime: { pusher } },
    ),
  ));

test.run();
