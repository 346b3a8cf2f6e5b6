/** SPEC §5–6 on the controller as it is wired: who may reach what, how errors look, and what is never shown. */
import { createHmac } from 'node:crypto';
import { request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Enrolled, type Journey, withController } from '../support/controller.ts';
import { deviceIds, withFleet } from '../support/fleet.ts';
import { call, sha256Of } from '../support/http.ts';

const OPERATOR_ROUTES = [
  ['GET', '/metrics'],
  ['GET', '/v1/rollout'],
  ['GET', '/v1/builds'],
  ['GET', '/v1/events'],
  ['GET', '/v1/devices'],
  ['POST', '/v1/devices'],
  ['POST', '/v1/devices/import'],
  ['GET', '/v1/devices/d-1'],
  ['DELETE', '/v1/devices/d-1'],
  ['GET', '/v1/devices/d-1/explain'],
  ['POST', '/v1/devices/d-1/rotate'],
  ['POST', '/v1/devices/d-1/revoke'],
  ['PUT', '/v1/devices/d-1/tags'],
  ['PUT', `/v1/artifacts/${'0'.repeat(64)}`],
  ['GET', '/v1/artifacts'],
  ['GET', '/v1/admin-tokens'],
  ['POST', '/v1/admin-tokens'],
  ['DELETE', '/v1/admin-tokens/first'],
  ['POST', '/v1/reconcile'],
] as const;
const AGENT_ROUTES = [
  ['GET', '/v1/agent/update?version_code=41'],
  ['GET', '/v1/agent/builds/b42/apk'],
  ['POST', '/v1/action-result'],
  ['PUT', '/v1/agent/push-token'],
  ['POST', '/v1/agent/token'],
  ['POST', '/v1/webhooks/github'],
] as const;

const firstOf = (enrolled: readonly Enrolled[]): Enrolled => {
  const [device] = enrolled;
  if (device === undefined) throw new Error('enrolled');
  return device;
};

test('with a listener of their own, operators are nowhere on the one that devices reach, and the other way round', () =>
  withController(
    async journey => {
      const { url, operatorUrl } = journey.controller;
      assert.is.not(url, operatorUrl);
      await journey.merge(100);
      const device = firstOf(await journey.enrol(['d-1']));
      const strayed = async (
        base: string,
        routes: typeof OPERATOR_ROUTES | typeof AGENT_ROUTES,
        token: string,
      ) => {
        for (const [method, target] of routes) {
          const answer = await request(base + target, {
            method,
            headers: { authorization: `Bearer ${token}` },
          });
          const { code } = (await answer.body.json()) as { code: string };
          assert.equal([answer.statusCode, code], [404, 'route_unknown'], `${method} ${target}`);
        }
      };
      await strayed(url, OPERATOR_ROUTES, journey.adminToken);
      await strayed(operatorUrl, AGENT_ROUTES, device.token);
      const offer = await call(url, 'GET', '/v1/agent/update?version_code=41', { token: device.token });
      assert.is(offer.json.url, `${url}/v1/agent/builds/b42/apk`);
      assert.is(
        (await call(operatorUrl, 'GET', '/metrics')).status,
        200,
        'nobody else reaches this listener',
      );
      for (const base of [url, operatorUrl])
        for (const probe of ['/healthz', '/readyz']) assert.is((await call(base, 'GET', probe)).status, 200);
    },
    { settings: { OTA_OPERATOR_PORT: '0' } },
  ));

test('on one listener /metrics asks for a token', () =>
  withController(async journey => {
    assert.is((await call(journey.url, 'GET', '/metrics')).status, 401);
  }));

test('no route edits a rollout', () =>
  withController(async journey => {
    await journey.merge(10);
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'] as const)
      for (const target of ['/v1/rollout', '/v1/builds', '/v1/builds/b42', '/v1/rollout/b42']) {
        const answer = await request(journey.url + target, {
          method,
          headers: { authorization: `Bearer ${journey.adminToken}` },
        });
        assert.ok([404, 405].includes(answer.statusCode), `${method} ${target}`);
        await answer.body.dump();
      }
  }));

test('every refusal is problem+json with a stable code and no stack, whatever was asked', () =>
  withController(async journey => {
    const device = firstOf(await journey.enrol(['d-1']));
    const asked: readonly (readonly [string, string, string?])[] = [
      ['GET', '/v2/rollout'],
      ['GET', '/v1/nothing'],
      ['GET', '/v1/agent/update/'],
      ['GET', '/v1/devices/%zz', journey.adminToken],
      ['GET', '/v1/devices/%00', journey.adminToken],
      ['GET', '/v1/agent/builds/%e0%a4%a/apk', device.token],
      ['GET', '/v1/agent/builds/..%2f..%2fetc/apk', device.token],
      ['PATCH', '/v1/rollout', journey.adminToken],
      ['GET', '/v1/agent/update', device.token],
      ['GET', '/v1/agent/update?version_code=41', device.token],
      ['GET', '/v1/agent/update?version_code=41'],
      ['POST', '/v1/action-result', device.token],
      ['POST', '/v1/webhooks/github'],
      ['GET', '/readyz'],
      ['GET', '/v1/builds', journey.adminToken],
    ];
    for (const [method, target, token] of asked) {
      const answer = await request(journey.url + target, {
        method: method as 'GET',
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
      const text = await answer.body.text();
      assert.match(
        String(answer.headers['content-type']),
        /^application\/problem\+json/,
        `${method} ${target}`,
      );
      const problem = JSON.parse(text) as { status: number; code: string };
      assert.is(problem.status, answer.statusCode, `${method} ${target}`);
      assert.match(problem.code, /^[a-z0-9_]+$/);
      assert.ok(answer.statusCode >= 400 && answer.statusCode < 600);
      assert.not.match(text, /\n? +at |\.ts:\d/);
      if (answer.statusCode === 503 && problem.code !== 'webhook_off')
        assert.ok(Number(answer.headers['retry-after']) > 0, `${method} ${target} has no Retry-After`);
    }
  }));

/** A day in the life of every secret: used rightly, wrongly and in the wrong place. */
async function useSecrets(journey: Journey, webhookSecret: string): Promise<string[]> {
  const device = firstOf(await journey.enrol(['secret-keeper']));
  const pushToken = 'fcm-registration:APA91-not-to-be-seen';
  const imported = 'a-token-of-another-system-0123456789';
  const { url } = journey;
  const seen: string[] = [];
  const ask = async (method: string, target: string, options: Parameters<typeof call>[3] = {}) => {
    const answer = await call(url, method, target, options);
    if (answer.status >= 400) seen.push(answer.body.toString());
    return answer;
  };
  await ask('PUT', '/v1/agent/push-token', { token: device.token, json: { fcm_token: pushToken } });
  await ask('PUT', '/v1/agent/push-token', {
    token: device.token,
    json: { fcm_token: pushToken, extra: pushToken },
  });
  await ask('GET', '/v1/agent/update?version_code=41', { token: `${device.token}x` });
  await ask('GET', '/v1/rollout', { token: device.token });
  await ask('GET', '/v1/agent/update?version_code=41', { token: journey.adminToken });
  await ask('GET', `/v1/devices/${device.token}`, { token: journey.adminToken });
  const renewed = await ask('POST', '/v1/agent/token', { token: device.token });
  const made = await journey.admin('POST', '/v1/admin-tokens', {
    json: { name: 'viewer', scopes: ['read'], expires_in_s: 3600 },
  });
  await ask('POST', '/v1/devices', { token: made.json.token, json: { device_id: 'd-2' } });
  const others = [{ device_id: 'd-3', token_sha256: sha256Of(Buffer.from(imported)) }];
  await journey.admin('POST', '/v1/devices/import', { json: { devices: others } });
  await ask('GET', '/v1/agent/update?version_code=41', { token: imported });
  const body = '{"zen":"x"}';
  for (const key of [webhookSecret, 'another secret'])
    await ask('POST', '/v1/webhooks/github', {
      body,
      type: 'application/json',
      headers: {
        'X-GitHub-Event': 'ping',
        'X-GitHub-Delivery': `delivery-${key.length}`,
        'X-Hub-Signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
      },
    });
  const secrets = [
    device.token,
    device.nudge_key,
    renewed.json.token,
    renewed.json.nudge_key,
    made.json.token,
  ];
  const shown = [...seen, JSON.stringify((await journey.admin('GET', '/v1/events')).json)];
  const all = [...secrets, pushToken, imported, journey.adminToken, webhookSecret] as string[];
  for (const secret of all) assert.not.match(shown.join('\n'), secret);
  return all;
}

test('no secret is in the log, in /metrics, in an error or in the audit, however it is used', () => {
  const own = {
    OTA_TOKEN_KEY: `k7:${'5e'.repeat(32)}`,
    OTA_NUDGE_KEY: 'a7'.repeat(32),
    OTA_GITHUB_WEBHOOK_SECRET: 'the-webhook-secret-of-this-test',
  };
  return withController(
    async journey => {
      await journey.merge(100);
      const used = await useSecrets(journey, own.OTA_GITHUB_WEBHOOK_SECRET);
      await withFleet(journey, deviceIds(2), async fleet => fleet.start());
      await journey.commitFiles({ 'rollout.yaml': 'not: right\n' });
      const metrics = (await journey.admin('GET', '/metrics')).body.toString();
      const log = journey.log.map(line => JSON.stringify(line)).join('\n');
      assert.match(log, 'ota.auth.fail');
      assert.match(log, 'ota.manifest.200');
      for (const secret of [...used, '5e'.repeat(32), own.OTA_NUDGE_KEY]) {
        assert.not.match(log, secret);
        assert.not.match(metrics, secret);
      }
      // Tokens of the fleet, which this test never saw: no text of their form.
      assert.not.match(log, /\bv1\.k7\.|ota_admin_/);
      assert.not.match(metrics, /secret-keeper|tablet-|d-3/);
    },
    { settings: own },
  );
});

test.run();
