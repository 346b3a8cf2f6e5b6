import { generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import type { PushMessage } from '../../controller/ports/index.ts';
import { makeFcm, serviceAccount } from '../../controller/push/fcm.ts';
import { fcmAt, type Refusal, withFcm } from '../support/fcm.ts';

const message = (pushToken: string, data: Record<string, string> = { type: 'update' }): PushMessage => ({
  pushToken,
  data,
  ttlMs: 600_000,
  collapseKey: 'ota-update',
});

test('a nudge is a high-priority data message, collapsed and short-lived, in FCM v1 form', () =>
  withFcm(async (server, fcm) => {
    assert.equal(await fcm.send([message('t1', { type: 'update', build_id: 'b42' })]), [{ result: 'sent' }]);
    assert.equal(server.violations, []);
    assert.is(server.received.length, 1);
    assert.is(server.received[0]?.token, 't1');
    assert.equal(server.received[0]?.data, { type: 'update', build_id: 'b42' });
    assert.equal(server.received[0]?.android, { priority: 'high', ttl: '600s', collapse_key: 'ota-update' });
  }));

test('500 messages get 500 results in their order', () =>
  withFcm(async (server, fcm) => {
    server.refuse = token => (Number(token) % 5 === 0 ? 'UNREGISTERED' : undefined);
    const results = await fcm.send(Array.from({ length: 500 }, (_, i) => message(String(i))));
    assert.equal(
      results.map(r => r.result),
      Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? 'unregistered' : 'sent')),
    );
    assert.is(server.received.length, 400);
    assert.equal(server.violations, []);
  }));

const cases: [Refusal, string, string][] = [
  ['UNREGISTERED', 'unregistered', 'registration_token_not_registered'],
  ['INVALID_ARGUMENT', 'invalid', 'invalid_argument'],
  ['SENDER_ID_MISMATCH', 'sender_mismatch', 'mismatched_credential'],
  ['QUOTA_EXCEEDED', 'retry', 'message_rate_exceeded'],
  ['INTERNAL', 'retry', 'internal_error'],
];
for (const [refusal, result, code] of cases)
  test(`${refusal} means ${result}`, () =>
    withFcm(async (server, fcm) => {
      server.refuse = () => refusal;
      assert.equal(await fcm.send([message('t')]), [{ result, code }]);
    }));

test('a bare 404 or 403 is a fault of the project: no device loses its token for it', () =>
  withFcm(async (server, fcm) => {
    for (const [refusal, code] of [
      ['NO_PROJECT', 'project_registration_token_not_registered'],
      ['NO_PERMISSION', 'project_mismatched_credential'],
    ] as const) {
      server.refuse = () => refusal;
      const results = await fcm.send([message('a'), message('b')]);
      assert.equal(results, [
        { result: 'retry', code },
        { result: 'retry', code },
      ]);
      assert.is((await fcm.check?.())?.result, 'failed');
    }
    assert.equal(server.received, []);
    assert.equal(server.violations, []);
  }));

test('a payload over 4,096 bytes is refused before it is sent, the others go', () =>
  withFcm(async (server, fcm) => {
    const results = await fcm.send([message('a'), message('b', { filler: 'x'.repeat(4_096) }), message('c')]);
    assert.equal(results, [
      { result: 'sent' },
      { result: 'invalid', code: 'payload_too_large' },
      { result: 'sent' },
    ]);
    assert.equal(
      server.received.map(r => r.token),
      ['a', 'c'],
    );
  }));

test('without an access token, or with nobody at the other end, messages come again later', () =>
  withFcm(async server => {
    const refused = { getAccessToken: () => Promise.reject(new Error('secret-hunter2')) };
    const fcm = makeFcm({ projectId: 'fleet-test', credential: refused });
    const results = await fcm.send([message('a'), message('b')]);
    assert.equal(
      results.map(r => r.result),
      ['retry', 'retry'],
    );
    assert.not.match(JSON.stringify(results), 'hunter2');
    await fcm.close();
    const nobody = fcmAt(1);
    assert.equal(await nobody.send([message('a')]), [{ result: 'retry', code: 'network_error' }]);
    await nobody.close();
    assert.is(server.requests, 0);
  }));

test('a service account file names the project and can sign', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const account = {
    type: 'service_account',
    project_id: 'fleet',
    client_email: 'a@b.example',
    private_key: privateKey,
  };
  const read = serviceAccount(JSON.stringify(account));
  assert.is(read.projectId, 'fleet');
  await makeFcm(read).close();
});

test('credentials that are no service account are refused without being echoed', () => {
  for (const json of [
    '{"private_key":"hunter2"',
    '{"private_key":"hunter2"}',
    '{"project_id":"p","private_key":"hunter2"}',
  ])
    try {
      serviceAccount(json);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, Fault);
      assert.is((error as Fault).code, 'fcm_credentials');
      assert.not.match(`${(error as Fault).stack}`, 'hunter2');
    }
});

test('the credentials are checked without a device: only what is about them fails the check', () =>
  withFcm(async (server, fcm) => {
    const ask = async (refusal: Refusal | undefined) => {
      server.refuse = () => refusal;
      return fcm.check?.();
    };
    assert.equal(
      await ask('INVALID_ARGUMENT'),
      { result: 'fine' },
      'what FCM says of a token that nobody has',
    );
    assert.equal(await ask('NO_PERMISSION'), { result: 'failed', code: 'mismatched_credential' });
    assert.equal(await ask('NO_PROJECT'), { result: 'failed', code: 'registration_token_not_registered' });
    assert.equal(await ask('INTERNAL'), { result: 'failed', code: 'internal_error' });
    assert.equal(server.received, [], 'nothing is sent');
    assert.equal(server.violations, []);
  }));

test.run();
