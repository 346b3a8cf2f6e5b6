import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import type { PushMessage } from '../../controller/ports.ts';
import { serviceAccount } from '../../controller/push/fcm.ts';
import { type Refusal, withFcm } from '../support/fcm.ts';

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

test.run();
