import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  NUDGE_REPLAY_WINDOW_MS,
  nudgeKey,
  signNudge,
  verifyNudge,
} from '../../../controller/domain/nudge/message.ts';
import { nudgeVectors } from '../../support/vectors.ts';

const vectors = nudgeVectors();
const unhex = (text: string): Buffer => Buffer.from(text, 'hex');
const nothingSeen = () => false;

test('every device key vector holds', () => {
  for (const v of vectors.keys)
    assert.is(nudgeKey(unhex(v.master), v.device_id, v.generation).toString('hex'), v.key);
});

test('every signature vector holds', () => {
  for (const { key, device_id, message } of vectors.signatures) {
    const nudge = {
      buildId: message.build_id ?? '',
      requestId: message.request_id ?? '',
      issuedAtMs: Number(message.issued_at) * 1000,
    };
    assert.equal(signNudge(unhex(key), device_id, nudge), message);
  }
});

for (const v of vectors.verdicts)
  test(`verdict vector: ${v.name}`, () => {
    const verdict = verifyNudge(unhex(v.key), v.device_id, v.message, v.now_ms, id => v.seen.includes(id));
    assert.equal(
      verdict.ok
        ? {
            verdict: 'ok',
            build_id: verdict.buildId,
            request_id: verdict.requestId,
            issued_at: verdict.issuedAtMs / 1000,
          }
        : { verdict: verdict.code },
      v.expect,
    );
  });

const key = nudgeKey(Buffer.alloc(32, 7), 'kiosk-7', 1);
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const nudge = { buildId: 'b42', requestId: '0d9c8c0e-3a57-4a52-9d7f-2f6d4c1b7a10', issuedAtMs: NOW_MS };

test('all values of a message are strings and it is far below FCM’s 4,096 bytes', () => {
  const message = signNudge(key, 'x'.repeat(64), { ...nudge, buildId: 'b'.repeat(64) });
  for (const value of Object.values(message)) assert.type(value, 'string');
  assert.ok(JSON.stringify(message).length < 512);
});

test('issued_at is cut to whole seconds, never ahead of the clock', () => {
  assert.is(signNudge(key, 'kiosk-7', { ...nudge, issuedAtMs: 1999 }).issued_at, '1');
});

test('whatever is received, nothing but what was signed for this device is accepted, and nothing throws', () => {
  const message = signNudge(key, 'kiosk-7', nudge);
  const field = fc.constantFrom('type', 'build_id', 'request_id', 'issued_at', 'hmac');
  const value = fc.oneof(fc.anything(), fc.string(), fc.stringMatching(/^[0-9a-f]{64}$/));
  fc.assert(
    fc.property(field, value, (name, changed) => {
      const forged: Record<string, unknown> = { ...message, [name]: changed };
      fc.pre(changed !== message[name as keyof typeof message]);
      return !verifyNudge(key, 'kiosk-7', forged, NOW_MS, nothingSeen).ok;
    }),
    { numRuns: 2_000 },
  );
});

test('a key derived for another device, generation or master never verifies', () => {
  const message = signNudge(key, 'kiosk-7', nudge);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.integer({ min: 1, max: 1000 }),
      (master, g) => {
        const other = nudgeKey(master, 'kiosk-7', g);
        fc.pre(!other.equals(key));
        return !verifyNudge(other, 'kiosk-7', message, NOW_MS, nothingSeen).ok;
      },
    ),
  );
});

test('a request id is remembered for as long as its nudge could still be accepted', () => {
  const message = signNudge(key, 'kiosk-7', nudge);
  let first: number | undefined;
  let last = 0;
  for (let ms = NOW_MS - 6 * 60_000; ms <= NOW_MS + 11 * 60_000; ms += 1000)
    if (verifyNudge(key, 'kiosk-7', message, ms, nothingSeen).ok) {
      first ??= ms;
      last = ms;
    }
  assert.ok(first !== undefined && last - first <= NUDGE_REPLAY_WINDOW_MS);
});

test.run();
