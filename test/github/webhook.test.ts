import { createHmac } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { makeWebhook } from '../../controller/github/webhook.ts';
import { makeClock, makeFacts } from '../support/github/client.ts';

const SECRET = 'a webhook secret of some length';
const sign = (body: Buffer, secret = SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

function receive() {
  const clock = makeClock();
  const hints: string[] = [];
  const events: Event[] = [];
  const webhook = makeWebhook({
    secret: SECRET,
    store: makeFacts(clock.nowMs),
    nowMs: clock.nowMs,
    observe: event => events.push(event),
    hint: about => hints.push(about),
  });
  let n = 0;
  const deliver = (over: Partial<Parameters<typeof webhook>[0]> = {}) => {
    const body = over.body ?? Buffer.from('{"ref":"refs/heads/main","emoji":"✓"}');
    n += 1;
    return webhook({
      deliveryId: `72d3162e-cc78-11e3-81ab-4c9367dc09${n}`,
      name: 'push',
      signature: sign(body),
      body,
      ...over,
    });
  };
  return { deliver, hints, events, clock };
}

test('an authentic push is a hint to look at the source, once per delivery', async () => {
  const { deliver, hints, events } = receive();
  assert.is(await deliver({ deliveryId: 'delivery-1' }), 'accepted');
  assert.is(await deliver({ deliveryId: 'delivery-1' }), 'duplicate');
  assert.equal(hints, ['source']);
  assert.equal(
    events.map(e => e.type === 'ota.webhook' && e.result),
    ['accepted', 'duplicate'],
  );
});

test('a pull request or a review is a hint to look at pull requests and the source', async () => {
  const { deliver, hints } = receive();
  await deliver({ name: 'pull_request' });
  await deliver({ name: 'pull_request_review' });
  assert.equal(hints, ['pulls', 'source', 'pulls', 'source']);
});

test('what the console does not use is ignored', async () => {
  const { deliver, hints } = receive();
  for (const name of ['ping', 'star', 'constructor', '__proto__'])
    assert.is(await deliver({ name }), 'ignored');
  assert.equal(hints, []);
});

test('no signature, a wrong one, a foreign secret, another body: nothing happens', async () => {
  const { deliver, hints, events } = receive();
  const body = Buffer.from('{}');
  const wrong = [
    '',
    'sha256=',
    `sha1=${'0'.repeat(40)}`,
    `sha256=${'0'.repeat(64)}`,
    sign(body, 'other'),
    sign(body).toUpperCase(),
  ];
  for (const signature of wrong) assert.is(await deliver({ signature, body }), 'bad_signature');
  assert.is(await deliver({ signature: sign(Buffer.from('{"a":1}')), body }), 'bad_signature');
  assert.equal(hints, []);
  assert.equal(events, []);
});

test('a forged delivery id does not use up the real one', async () => {
  const { deliver } = receive();
  await deliver({ deliveryId: 'delivery-1', signature: `sha256=${'0'.repeat(64)}` });
  assert.is(await deliver({ deliveryId: 'delivery-1' }), 'accepted');
});

test('over 1 MiB or with a malformed delivery id nothing is verified or kept', async () => {
  const { deliver } = receive();
  assert.is(await deliver({ body: Buffer.alloc((1 << 20) + 1, 32) }), 'bad_signature');
  assert.is(await deliver({ deliveryId: '../../etc' }), 'bad_signature');
});

test.run();
