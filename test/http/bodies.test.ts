/** Bodies that come slowly or never end: they cost little memory, little time, and nobody else's place. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeBodyShare } from '../../controller/http/body-share.ts';
import { Refusal } from '../../controller/http/problem.ts';
import { anApk, eventually, type ServerOptions, type TestServer, withServer } from '../support/http.ts';
import { type RawConnection, rawConnection, requestHead } from '../support/raw.ts';
import { aSnapshot, aState } from '../support/state.ts';

const full = () => aSnapshot(aState({ rollout: 100 }));
const HOOK = 'POST /v1/webhooks/github';
const MEGABYTE = 1_048_576;
const signed = { 'X-Hub-Signature-256': `sha256=${'ab'.repeat(32)}`, 'X-GitHub-Event': 'push' };

/** Takes every delivery as GitHub's own. */
const withWebhook = (options: ServerOptions, use: (server: TestServer, taken: string[]) => Promise<void>) => {
  const taken: string[] = [];
  const webhook: NonNullable<ServerOptions['webhook']> = async ({ body }) => {
    taken.push(body.toString());
    return 'accepted';
  };
  return withServer({ snapshot: full(), webhook, ...options }, server => use(server, taken));
};

const raw = (server: TestServer) => rawConnection(server.listener.port);

test('a webhook without a signature, or with a length beyond the limit, is refused by its headers alone', () =>
  withWebhook({ settings: { webhookMaxBytes: MEGABYTE } }, async (server, taken) => {
    const cases: [Record<string, string>, RegExp][] = [
      [{}, /^HTTP\/1\.1 401 /],
      [{ 'X-Hub-Signature-256': 'sha256=ab' }, /^HTTP\/1\.1 401 /],
      [{ 'X-Hub-Signature-256': `sha1=${'ab'.repeat(32)}` }, /^HTTP\/1\.1 401 /],
      [{ ...signed, 'Content-Length': String(MEGABYTE + 1) }, /^HTTP\/1\.1 413 /],
    ];
    for (const [headers, status] of cases) {
      const { socket, text, closed } = await raw(server);
      socket.write(requestHead(HOOK, { 'Content-Length': '1000', ...headers }));
      await closed;
      assert.match(text(), status);
    }
    assert.equal(taken, []);
  }));

test('clients whose bodies never end do not block a delivery, however many there are', () =>
  withWebhook({ settings: { webhookTotalBytes: 4 * MEGABYTE } }, async (server, taken) => {
    const strangers: RawConnection[] = [];
    for (let i = 0; i < 40; i += 1) {
      const stranger = await raw(server);
      stranger.socket.write(`${requestHead(HOOK, { ...signed, 'Content-Length': String(MEGABYTE) })}x`);
      strangers.push(stranger);
    }
    // Four have a place; the others were sent away as newer ones came.
    await eventually(() => strangers.filter(s => s.text().startsWith('HTTP/1.1 503 ')).length >= 36);
    assert.is(strangers.filter(s => s.text() === '').length, 4);
    const headers = { ...signed, 'X-GitHub-Delivery': 'd-1' };
    assert.is(
      (await server.call('POST', '/v1/webhooks/github', { json: { ref: 'x' }, headers })).status,
      202,
    );
    assert.equal(taken, ['{"ref":"x"}']);
    for (const { socket } of strangers) socket.destroy();
  }));

test('a webhook body that does not come in time is 408', () =>
  withWebhook({ settings: { webhookPace: { stallMs: 5_000, totalMs: 30 } } }, async server => {
    const { socket, text, closed } = await raw(server);
    socket.write(`${requestHead(HOOK, { ...signed, 'Content-Length': '1000' })}x`);
    await closed;
    assert.match(text(), /^HTTP\/1\.1 408 /);
    assert.match(text(), /body_timeout/);
  }));

test('a new body takes the slot of an older one: of the same address first, else of the address with the most', () => {
  const share = makeBodyShare({ maxBytes: 10, perAddress: 2 });
  const a = [share.enter('a', 1), share.enter('a', 1), share.enter('a', 1)];
  assert.equal(
    a.map(place => place.signal.aborted),
    [true, false, false],
  );
  assert.instance(a[0]?.signal.reason, Refusal);
  const b = share.enter('b', 8);
  const c = share.enter('c', 1);
  assert.equal(
    [...a, b, c].map(place => place.signal.aborted),
    [true, true, false, false, false],
  );
  // Leaving twice, or after giving way, frees nothing twice.
  for (const place of [...a, ...a]) place.leave();
  b.leave();
  const large = share.enter('d', 9);
  assert.is(large.signal.aborted || c.signal.aborted, false);
  share.enter('e', 1);
  assert.is(c.signal.aborted || large.signal.aborted, true);
});

test('an upload that stalls, or comes slower than the least rate, is 408', async () => {
  for (const uploadPace of [{ stallMs: 30 }, { stallMs: 10, leastBytesPerS: 1e9 }])
    await withServer({ snapshot: full(), settings: { uploadPace } }, async server => {
      const token = await server.admin('artifacts');
      const { socket, text, closed } = await raw(server);
      socket.write(
        requestHead(`PUT /v1/artifacts/${'a'.repeat(64)}`, {
          Authorization: `Bearer ${token}`,
          'Content-Type': 'application/octet-stream',
          'Content-Length': '1000000',
        }),
      );
      const trickle = setInterval(() => socket.write('x'), 2);
      if (!('leastBytesPerS' in uploadPace)) clearInterval(trickle);
      await closed;
      clearInterval(trickle);
      assert.match(text(), /^HTTP\/1\.1 408 /);
    });
});

test('an upload may take any time while bytes keep arriving', () =>
  withServer({ snapshot: full(), settings: { uploadPace: { stallMs: 60_000 } } }, async server => {
    const { apk } = await anApk(41);
    const token = await server.admin('artifacts');
    const { socket, text } = await raw(server);
    socket.write(
      requestHead(`PUT /v1/artifacts/${createHash('sha256').update(apk).digest('hex')}`, {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/octet-stream',
        'Content-Length': String(apk.length),
      }),
    );
    for (let at = 0; at < apk.length; at += Math.ceil(apk.length / 20)) {
      socket.write(apk.subarray(at, at + Math.ceil(apk.length / 20)));
      await pause(5);
    }
    await eventually(() => text().includes('\r\n\r\n'));
    assert.match(text(), /^HTTP\/1\.1 201 /);
    socket.destroy();
  }));

test.run();
