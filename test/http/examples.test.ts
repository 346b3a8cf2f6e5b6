/** The examples of operators' answers in the OpenAPI document are held to what a running controller answers. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Enrolled, type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { SECRET, withReceiver } from '../support/notify/receiver.ts';
import { openapi, operations } from '../support/openapi.ts';

const checkIn = (journey: Journey, device: Enrolled, versionCode: number) =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&build_id=b${versionCode}&sdk=33`, {
    token: device.token,
  });

/** A small fleet in mid-rollout, on which one install has failed. */
async function prepare(journey: Journey): Promise<void> {
  const [kiosk] = await journey.enrol(['kiosk-7', 'kiosk-8'], ['lobby']);
  if (kiosk === undefined) throw new Error('assertion: nothing was enrolled');
  await journey.merge({ current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } });
  await checkIn(journey, kiosk, 41);
  await journey.pass(60_000);
  await journey.merge({
    exposure: { kind: 'percent', percent: 100 },
    canary: { tags: ['lobby'], devices: [], cohorts: [] },
  });
  await journey.pass(60_000);
  await checkIn(journey, kiosk, 41);
  await call(journey.url, 'POST', '/v1/action-result', {
    token: kiosk.token,
    json: {
      request_id: randomUUID(),
      build_id: 'b42',
      outcome: 'fail',
      reason: 'install_failed',
      detail: 'INSTALL_FAILED_INSUFFICIENT_STORAGE',
      version_code: 41,
    },
  });
  await journey.pass(60_000);
}

/** What an operator asks, by operation of the document. */
const asked = (journey: Journey): Record<string, readonly [target: string, json?: unknown]> => ({
  'get /v1/devices': ['/v1/devices'],
  'post /v1/devices': ['/v1/devices', { device_id: 'kiosk-9', tags: ['qa'] }],
  'post /v1/devices/bulk': [
    '/v1/devices/bulk',
    { action: 'tag', devices: ['kiosk-7', 'kiosk-8', 'kiosk-99'], add: ['quarantine'], dry_run: true },
  ],
  'post /v1/devices/import': [
    '/v1/devices/import',
    { devices: [{ device_id: 'kiosk-10', tags: ['qa'] }, { device_id: 'kiosk-9' }] },
  ],
  'get /v1/devices/{device_id}': ['/v1/devices/kiosk-7'],
  'put /v1/devices/{device_id}/tags': ['/v1/devices/kiosk-9/tags', { tags: ['lobby', 'qa'] }],
  'post /v1/devices/{device_id}/rotate': ['/v1/devices/kiosk-9/rotate', {}],
  'get /v1/devices/{device_id}/explain': ['/v1/devices/kiosk-7/explain'],
  'get /v1/artifacts': ['/v1/artifacts'],
  'post /v1/artifacts/examine': ['/v1/artifacts/examine', { builds: [declared(journey)] }],
  'put /v1/artifacts/{sha256}': [`/v1/artifacts/${journey.builds.b42.build.sha256}`],
  'get /v1/rollout': ['/v1/rollout'],
  'get /v1/builds': ['/v1/builds'],
  'get /v1/events': ['/v1/events?limit=2'],
  'get /v1/history': ['/v1/history?limit=1'],
  'get /v1/failures': ['/v1/failures'],
  'get /v1/failures/devices': ['/v1/failures/devices'],
  'post /v1/reconcile': ['/v1/reconcile'],
  'post /v1/clock/confirm': ['/v1/clock/confirm'],
  'get /v1/health': ['/v1/health'],
  'post /v1/admin-tokens': [
    '/v1/admin-tokens',
    { name: 'ci', scopes: ['read', 'artifacts'], expires_in_s: 7_776_000 },
  ],
  'get /v1/admin-tokens': ['/v1/admin-tokens'],
  'post /v1/brake': ['/v1/brake', { reason: 'reboots in the lobby' }],
  'post /v1/resume': ['/v1/resume', { reason: 'the power supply was at fault' }],
  'post /v1/notify/test': ['/v1/notify/test', {}],
  'get /readyz': ['/readyz'],
});

function declared({ builds }: Journey): Record<string, unknown> {
  const { build } = builds.b42;
  return {
    build_id: 'b43',
    package: build.package,
    version_code: 43,
    version_name: '43.0.0',
    min_sdk: build.minSdk,
    size_bytes: build.sizeBytes,
    sha256: 'c'.repeat(64),
    signer_fingerprint: build.signerFingerprint,
  };
}

/** The keys of every object in it, with the place; lists stand for the union of their items. */
function shapeOf(value: unknown, at = ''): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap(item => [...shapeOf(item, `${at}[]`)]));
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set(
    Object.entries(value).flatMap(([key, of]) => [`${at}.${key}`, ...shapeOf(of, `${at}.${key}`)]),
  );
}

/** What an example may lack or have more: facts of the fleet, not of the answer. */
const OPEN = /\.(detail|problems|halts|ramp|suspend|conditions)\b/;
const keysOf = (value: unknown): string[] => [...shapeOf(value)].filter(key => !OPEN.test(key)).sort();

const exampleOf = (operation: string, status: number): unknown => {
  const [method = '', path = ''] = operation.split(' ');
  return openapi.paths[path]?.[method]?.responses[String(status)]?.content?.['application/json']?.example;
};

test('every JSON answer to an operator has an example, and a running controller answers with the same keys', () =>
  withReceiver(
    'generic',
    async receiver => {
      await withController(
        async journey => {
          await prepare(journey);
          const real: Record<string, unknown> = {};
          for (const [operation, [target, json]] of Object.entries(asked(journey))) {
            const method = operation.split(' ')[0]?.toUpperCase() ?? '';
            const body =
              method === 'PUT' && json === undefined ? { body: journey.builds.b42.apk, type: APK } : {};
            const answer = await journey.admin(method, target, {
              ...(json !== undefined && { json }),
              ...body,
            });
            assert.ok(answer.status < 300, `${operation}: ${answer.status} ${answer.body.toString()}`);
            real[`${operation} ${answer.status}`] = answer.json;
          }
          // To write new examples from: WRITE_ANSWERS=answers.json npm run test:only -- http/examples
          if (process.env.WRITE_ANSWERS !== undefined)
            writeFileSync(process.env.WRITE_ANSWERS, JSON.stringify(real, null, 1));
          for (const [name, answer] of Object.entries(real)) {
            const at = name.lastIndexOf(' ');
            const example = exampleOf(name.slice(0, at), Number(name.slice(at + 1)));
            assert.ok(example !== undefined, `${name} has no example`);
            assert.equal(keysOf(example), keysOf(answer), name);
          }
          const left = operations().filter(o => withJson(o) && !(o in asked(journey)) && !AGENTS.test(o));
          assert.equal(left, [], 'operations that nobody asks here');
        },
        {
          settings: {
            OTA_NOTIFY: JSON.stringify({
              destinations: [{ name: 'ops', service: 'generic', url: receiver.url, secret: SECRET }],
            }),
          },
        },
      );
    },
    { plain: true, secret: SECRET },
  ));

const APK = 'application/vnd.android.package-archive';
/** Their answers are held by the agent's own tests; GitHub is the webhook's only reader. */
const AGENTS = /\/v1\/(agent\/|action-result|webhooks\/)|\/healthz/;

const withJson = (operation: string): boolean => {
  const [method = '', path = ''] = operation.split(' ');
  return Object.entries(openapi.paths[path]?.[method]?.responses ?? {}).some(
    ([status, response]) => status.startsWith('2') && response.content?.['application/json'] !== undefined,
  );
};

test.run();
