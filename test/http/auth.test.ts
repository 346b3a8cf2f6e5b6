/** Who is let in: device tokens, admin tokens, and what happens to those who are not (SPEC §6). */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { nudgeKey } from '../../controller/domain/nudge/message.ts';
import { makeAuth, tokenHash } from '../../controller/http/auth.ts';
import { makeDeviceTokens, makeMac } from '../../controller/http/device-token.ts';
import {
  type AdminStore,
  type DeviceAuth,
  type DeviceStore,
  IMPORTED_KID,
} from '../../controller/ports/index.ts';
import { NUDGE_MASTER, TOKEN_KEY, withServer } from '../support/http.ts';
import { aSnapshot, aState, DAY_MS } from '../support/state.ts';

const CHECK = '/v1/agent/update?version_code=41';
const full = () => aSnapshot(aState({ rollout: 100 }));
const deviceId = fc.string({ unit: fc.constantFrom(...'abcXYZ019._:-'), minLength: 1, maxLength: 64 });

test('the one-shot MAC is HMAC-SHA256', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 100 }), deviceId, (key, text) => {
      assert.is(makeMac(key)(text), createHmac('sha256', key).update(text).digest('base64url'));
    }),
  );
});

test('a token names its device and generation, dots and colons in the id included', () => {
  const tokens = makeDeviceTokens([TOKEN_KEY]);
  fc.assert(
    fc.property(deviceId, fc.integer({ min: 1, max: 999_999_999 }), (id, generation) => {
      assert.equal(tokens.verify(tokens.mint(id, generation)), { deviceId: id, generation, kid: 'k1' });
    }),
  );
  assert.is(tokens.mint('a.b', 3).split('.').slice(0, 5).join('.'), 'v1.k1.a.b.3');
});

test('a token with any character changed is refused', () => {
  const tokens = makeDeviceTokens([TOKEN_KEY]);
  const token = tokens.mint('kiosk.7', 12);
  for (let at = 0; at < token.length; at++)
    for (const other of 'Aa1.-é') {
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      if (changed !== token) assert.type(tokens.verify(changed), 'string', changed);
    }
});

test('whatever is sent as a token, the verdict is a value and never a crash', () => {
  const tokens = makeDeviceTokens([TOKEN_KEY]);
  fc.assert(fc.property(fc.string({ maxLength: 300 }), text => void tokens.verify(`v1.k1.${text}`)));
  fc.assert(fc.property(fc.string({ maxLength: 300 }), text => void tokens.verify(text)));
});

test('a token that is longer than any real one is malformed, whatever its key is called', () => {
  const tokens = makeDeviceTokens([TOKEN_KEY]);
  assert.is(tokens.verify(`v1.${'k'.repeat(200)}.kiosk-7.1.${'A'.repeat(43)}`), 'malformed');
  assert.is(tokens.verify(`v1.${'k'.repeat(16)}.${'d'.repeat(64)}.999999999.${'A'.repeat(43)}`), 'invalid');
});

test('two server keys verify at a time, and the first signs', () => {
  const old = { kid: 'k0', key: randomBytes(32) };
  const both = makeDeviceTokens([TOKEN_KEY, old]);
  const before = makeDeviceTokens([old]).mint('kiosk-7', 1);
  assert.equal(both.verify(before), { deviceId: 'kiosk-7', generation: 1, kid: 'k0' });
  assert.match(both.mint('kiosk-7', 1), /^v1\.k1\./);
  assert.is(makeDeviceTokens([TOKEN_KEY]).verify(before), 'invalid');
  assert.throws(() => makeDeviceTokens([TOKEN_KEY, { ...old, kid: 'k1' }]), /share a kid/);
});

test('a key that is too short, or whose name cannot stand in a token, is our own mistake', () => {
  const key = randomBytes(32);
  assert.throws(() => makeDeviceTokens([{ kid: 'k1', key: randomBytes(31) }]), /at least 32 bytes/);
  assert.throws(() => makeDeviceTokens([{ kid: 'k.1', key }]), /needs a kid/);
  assert.type(makeDeviceTokens([{ kid: 'k1', key }]).mint('a', 1), 'string');
});

test('a token of another form is malformed, even if its MAC is right', () => {
  const tokens = makeDeviceTokens([TOKEN_KEY]);
  const sign = makeMac(TOKEN_KEY.key);
  const signed = (body: string) => `${body}.${sign(body)}`;
  for (const body of [
    'v1.k1.kiosk-7.01',
    'v1.k1.kiosk-7.0',
    'v1.k1.kiosk-7.1x',
    'v1.k1.kiosk-7.-1',
    'v1.k1.kiosk-7.',
    'v1.k1.kiosk 7.1',
    'v1.k1..1',
    'v1.k1.1',
    'v1.k1',
    'v1',
  ])
    assert.is(tokens.verify(signed(body)), 'malformed', body);
  assert.is(tokens.verify(`v1.k1.kiosk-7.1.${'!'.repeat(43)}`), 'malformed');
  assert.is(tokens.verify(signed('v1.k2.kiosk-7.1')), 'invalid');
  assert.type(tokens.verify(signed('v1.k1.kiosk-7.1')), 'object');
});

/** The door alone, over one device whose credentials the test sets. */
function door(auth: Partial<DeviceAuth>, adopts = false) {
  const tokens = makeDeviceTokens([TOKEN_KEY]);
  const asked: unknown[] = [];
  const events: Event[] = [];
  const known: DeviceAuth = {
    generation: 3,
    previousGeneration: 2,
    previousUntilMs: 0,
    revoked: false,
    tags: [],
    ...auth,
  } as DeviceAuth;
  const devices: Pick<
    DeviceStore,
    'auth' | 'deviceOfToken' | 'sawKid' | 'confirmGeneration' | 'adoptGeneration'
  > = {
    auth: () => known,
    deviceOfToken: hash => (hash === tokenHash('legacy') ? 'kiosk-7' : undefined),
    sawKid: (deviceId, kid) => void asked.push(['saw', deviceId, kid]),
    confirmGeneration: (deviceId, generation) => void asked.push(['confirmed', deviceId, generation]),
    adoptGeneration: () => adopts,
  };
  const made = makeAuth({
    devices: devices as DeviceStore,
    admins: {} as AdminStore,
    clock: { nowMs: () => 1_000 },
    observe: event => void events.push(event),
    tokens,
    settings: { trustedProxy: false, authFailuresPerMinute: 10 },
    monotonicMs: () => 0,
  });
  const enter = (shown: number | string) => {
    const authorization = `Bearer ${typeof shown === 'string' ? shown : tokens.mint('kiosk-7', shown)}`;
    const req = { headers: { authorization }, socket: { remoteAddress: '127.0.0.1' } };
    return made.device(req as Parameters<typeof made.device>[0], 'update', true).token;
  };
  return { enter, asked, events };
}

test('only the first use of the newest token ends a renewal', () => {
  const renewing = door({ previousUntilMs: 2_000 });
  assert.equal(renewing.enter(2), { kid: 'k1', generation: 2 });
  assert.equal(renewing.asked, [['saw', 'kiosk-7', 'k1']]);
  assert.equal(renewing.enter(3), { kid: 'k1', generation: 3 });
  assert.equal(renewing.asked[1], ['confirmed', 'kiosk-7', 3]);
  const settled = door({ previousUntilMs: 0 });
  settled.enter(3);
  assert.equal(settled.asked, [['saw', 'kiosk-7', 'k1']]);
  const known = door({ kid: 'k1' });
  known.enter(3);
  assert.equal(known.asked, [], 'the key was seen before');
});

test('an imported token counts as the newest generation and as no key of ours', () => {
  const { enter, asked } = door({});
  assert.equal(enter('legacy'), { kid: undefined, generation: 3 });
  assert.equal(asked, [['saw', 'kiosk-7', IMPORTED_KID]]);
  assert.throws(() => enter('unknown'), /not valid for this controller/);
});

test('a token that is newer than the restored backup is accepted if the store adopts it, and this is reported', () => {
  const restored = door({}, true);
  assert.equal(restored.enter(7), { kid: 'k1', generation: 7 });
  assert.equal(restored.events, [{ type: 'ota.token.adopted', deviceId: 'kiosk-7', generation: 7 }]);
  assert.equal(restored.asked, [['saw', 'kiosk-7', 'k1']]);
  assert.throws(() => door({}, false).enter(7), /replaced by a newer one/);
});

test('a token of another device, revoked, malformed, foreign or missing is 401 with its own code', () =>
  withServer({ snapshot: full(), settings: { authFailuresPerMinute: 1000 } }, async server => {
    const token = await server.enrol('kiosk-7');
    await server.enrol('kiosk-8');
    const admin = await server.admin('devices');
    const code = async (bearer: string | undefined) => {
      const answer = await server.call('GET', CHECK, { token: bearer });
      assert.is(answer.status, 401, bearer);
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer /);
      return answer.json.code as string;
    };
    assert.is(await code(undefined), 'token_missing');
    assert.is(await code(token.replace('kiosk-7', 'kiosk-8')), 'token_invalid');
    assert.is(await code(token.slice(0, -1)), 'token_malformed');
    assert.is(await code('v1.k1.kiosk-7'), 'token_malformed');
    assert.is(await code(`${token}.`), 'token_malformed');
    assert.is(await code('x'.repeat(2000)), 'token_malformed');
    const foreign = makeDeviceTokens([{ kid: 'k1', key: randomBytes(32) }]);
    assert.is(await code(foreign.mint('kiosk-7', 1)), 'token_invalid');
    assert.is(await code(makeDeviceTokens([TOKEN_KEY]).mint('nobody', 1)), 'device_unknown');
    assert.is(await code(makeDeviceTokens([TOKEN_KEY]).mint('kiosk-7', 2)), 'token_superseded');
    assert.is((await server.call('GET', CHECK, { token })).status, 200);
    assert.is((await server.call('POST', '/v1/devices/kiosk-7/revoke', { token: admin })).status, 204);
    assert.is(await code(token), 'token_revoked');
    assert.is((await server.call('DELETE', '/v1/devices/kiosk-7', { token: admin })).status, 204);
    assert.is(await code(token), 'device_unknown');
    const again = await server.enrol('kiosk-7');
    assert.is(await code(token), 'token_superseded');
    assert.is((await server.call('GET', CHECK, { token: again })).status, 200);
  }));

test('no token is ever logged, echoed or put into an error', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const admin = await server.admin('read');
    const bodies: string[] = [];
    for (const bearer of [token, admin, token.replace('kiosk', 'chaos'), `${admin}x`])
      for (const path of [CHECK, '/v1/devices', '/v1/agent/builds/b42/apk'])
        bodies.push((await server.call('GET', path, { token: bearer })).body.toString());
    const all = bodies.join('\n') + JSON.stringify(server.events);
    for (const secret of [token.split('.').at(-1) ?? '', admin.slice(10)]) assert.not.match(all, secret);
  }));

test('failed authentication is limited per address, and valid tokens behind it still pass', () =>
  withServer({ snapshot: full(), settings: { authFailuresPerMinute: 3 } }, async server => {
    const token = await server.enrol('kiosk-7');
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++)
      statuses.push((await server.call('GET', CHECK, { token: 'nonsense' })).status);
    assert.equal(statuses, [401, 401, 401, 429, 429]);
    const limited = await server.call('GET', CHECK, { token: 'nonsense' });
    assert.is(limited.json.code, 'auth_rate_limited');
    assert.ok(Number(limited.headers['retry-after']) >= 1);
    assert.is((await server.call('GET', CHECK, { token })).status, 200);
    assert.equal(
      server.of('ota.auth.fail').map(e => e.code),
      [...Array(3).fill('token_malformed'), ...Array(3).fill('auth_rate_limited')],
    );
    assert.is(server.of('ota.auth.fail')[0]?.address, '127.0.0.1');
  }));

test('behind a trusted proxy failures count per forwarded address, and not otherwise', async () => {
  const addressOf = (trustedProxy: boolean) =>
    withServer({ settings: { trustedProxy } }, async server => {
      await server.call('GET', CHECK, { headers: { 'X-Forwarded-For': '10.9.9.9, 2001:db8:1:2:3:4:5:6' } });
      return server.of('ota.auth.fail')[0]?.address;
    });
  assert.is(await addressOf(true), '2001:db8:1:2::/64');
  assert.is(await addressOf(false), '127.0.0.1');
});

test('however a proxy writes the client’s address, failures count for the client and not for the proxy', () =>
  withServer({ settings: { trustedProxy: true } }, async server => {
    const spelled: [string, string][] = [
      ['203.0.113.9', '203.0.113.9'],
      ['203.0.113.9:61234', '203.0.113.9'],
      ['10.0.0.1, 203.0.113.9:61234', '203.0.113.9'],
      ['[2001:db8:1:2:3:4:5:6]:61234', '2001:db8:1:2::/64'],
      ['[2001:db8::1]', '2001:db8:0:0::/64'],
      ['"[2001:db8::1]:443"', '2001:db8:0:0::/64'],
      ['2001:db8:0001:0002::9', '2001:db8:1:2::/64'],
      ['::ffff:203.0.113.9', '203.0.113.9'],
      ['[::ffff:203.0.113.9]:1', '203.0.113.9'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['unknown', '127.0.0.1'],
      ['_hidden', '127.0.0.1'],
      ['', '127.0.0.1'],
      ['203.0.113.9:', '127.0.0.1'],
      ['203.0.113.9:61234:1', '127.0.0.1'],
      ['example.com:80', '127.0.0.1'],
    ];
    for (const [header, address] of spelled) {
      server.events.length = 0;
      await server.call('GET', CHECK, { headers: { 'X-Forwarded-For': header } });
      assert.is(server.of('ota.auth.fail')[0]?.address, address, header);
    }
  }));

test('an operator is admitted while others behind the same address guess admin tokens', () =>
  withServer({ snapshot: full(), settings: { authFailuresPerMinute: 3 } }, async server => {
    const token = await server.admin('read');
    const guess = () => `ota_admin_${randomBytes(32).toString('base64url')}`;
    const ask = async (bearer: string) => (await server.call('GET', '/v1/devices', { token: bearer })).status;
    const strangers: number[] = [];
    for (let i = 0; i < 5; i += 1) strangers.push(await ask(guess()));
    assert.equal(strangers, [401, 401, 401, 429, 429]);
    assert.is(await ask(token), 200);
    assert.is(await ask('nonsense'), 429);
    assert.is(await ask(token), 200);
  }));

test('a guessed admin token is checked in memory, without a query', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('admin');
    const found = server.store.admins.find(createHash('sha256').update(token).digest('hex'));
    assert.equal(found?.scopes, ['admin']);
    assert.is(server.store.admins.find('0'.repeat(64)), undefined);
  }));

test('a token of a device that was revoked is refused, also one imported from another system', () =>
  withServer({ snapshot: full() }, async server => {
    const foreign = 'legacy-token';
    const token_sha256 = createHash('sha256').update(foreign).digest('hex');
    const token = await server.admin('devices');
    await server.call('POST', '/v1/devices/import', {
      token,
      json: [{ device_id: 'kiosk-7', token_sha256 }],
    });
    assert.is((await server.call('GET', CHECK, { token: foreign })).status, 200);
    await server.call('POST', '/v1/devices/kiosk-7/revoke', { token });
    const refused = await server.call('GET', CHECK, { token: foreign });
    assert.equal([refused.status, refused.json.code], [401, 'token_revoked']);
  }));

test('in a grace only the newest token and the one before it work, never an older one', () =>
  withServer({ snapshot: full() }, async server => {
    await server.enrol('kiosk-7');
    const admin = await server.admin('devices');
    const tokens = makeDeviceTokens([TOKEN_KEY]);
    const code = async (generation: number) => {
      const answer = await server.call('GET', CHECK, { token: tokens.mint('kiosk-7', generation) });
      return answer.status === 200 ? 'in' : answer.json.code;
    };
    const rotate = (json: unknown) =>
      server.call('POST', '/v1/devices/kiosk-7/rotate', { token: admin, json });
    await rotate({ grace_s: 0 });
    await rotate({ grace_s: 0 });
    await rotate({ grace_s: 3600 });
    assert.equal(
      [await code(1), await code(2), await code(3), await code(5)],
      ['token_superseded', 'token_superseded', 'in', 'token_superseded'],
    );
    assert.is(await code(4), 'in');
    assert.is(await code(3), 'token_superseded');
  }));

test('the word Bearer may be written in any case, and anything else than Bearer is refused', () =>
  withServer({ snapshot: full(), settings: { authFailuresPerMinute: 1000 } }, async server => {
    const token = await server.enrol('kiosk-7');
    const status = async (authorization: string) =>
      (await server.call('GET', CHECK, { headers: { authorization } })).status;
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'Bearer   '])
      assert.is(await status(scheme + token), 200, scheme);
    for (const scheme of ['Basic ', 'Digest ', 'Bearer', 'Token ', ''])
      assert.is(await status(scheme + token), 401, scheme);
  }));

test('a header of more than 1,024 characters is refused unread', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const status = async (length: number) => {
      const authorization = `Bearer${token.padStart(length - 'Bearer'.length)}`;
      assert.is(authorization.length, length);
      return (await server.call('GET', CHECK, { headers: { authorization } })).status;
    };
    assert.equal([await status(1024), await status(1025)], [200, 401]);
  }));

test('an admin token with anything before or after it is malformed, and a missing one is said to be missing', () =>
  withServer({ snapshot: full() }, async server => {
    const admin = await server.admin('read');
    const code = async (token: string | undefined) =>
      (await server.call('GET', '/v1/devices', { token })).json.code;
    assert.is(await code(`x${admin}`), 'token_malformed');
    assert.is(await code(`${admin}x`), 'token_malformed');
    assert.is(await code('nonsense'), 'token_malformed');
    assert.is(await code(undefined), 'token_missing');
    assert.is(await code(`${admin.slice(0, -1)}${admin.endsWith('A') ? 'B' : 'A'}`), 'token_invalid');
  }));

test('a renewed token works at once, the old one until the new one is first used', () =>
  withServer({ snapshot: full() }, async server => {
    const old = await server.enrol('kiosk-7');
    const status = async (token: string) => (await server.call('GET', CHECK, { token })).status;
    const renewed = (await server.call('POST', '/v1/agent/token', { token: old })).json;
    assert.is(renewed.generation, 2);
    assert.is(renewed.nudge_key, nudgeKey(NUDGE_MASTER, 'kiosk-7', 2).toString('base64'));
    assert.is(await status(old), 200);
    // The answer was lost: asking again gives the same token and locks nobody out.
    assert.is((await server.call('POST', '/v1/agent/token', { token: old })).json.token, renewed.token);
    assert.is(await status(renewed.token), 200);
    assert.is(await status(old), 401);
  }));

test('after a rotation by an operator the old generation expires after 14 days, even if the new one was never used', () =>
  withServer({ snapshot: full() }, async server => {
    const old = await server.enrol('kiosk-7');
    const admin = await server.admin('devices');
    await server.call('POST', '/v1/devices/kiosk-7/rotate', { token: admin, json: {} });
    server.world.nowMs += 14 * DAY_MS - 1;
    assert.is((await server.call('GET', CHECK, { token: old })).status, 200);
    server.world.nowMs += 1;
    assert.is((await server.call('GET', CHECK, { token: old })).json.code, 'token_superseded');
  }));

test('a token imported as SHA-256 works until the device has renewed and used its own', () =>
  withServer({ snapshot: full() }, async server => {
    const foreign = 'legacy.token-of.another~system';
    const sha256 = createHash('sha256').update(foreign).digest('hex');
    const token = await server.admin('devices');
    const json = [{ device_id: 'kiosk-7', token_sha256: sha256 }];
    const imported = (await server.call('POST', '/v1/devices/import', { token, json })).json;
    assert.is(imported.devices[0].token, undefined);
    assert.is((await server.call('GET', CHECK, { token: foreign })).status, 200);
    const renewed = (await server.call('POST', '/v1/agent/token', { token: foreign })).json;
    assert.is((await server.call('GET', CHECK, { token: foreign })).status, 200);
    assert.is((await server.call('GET', CHECK, { token: renewed.token })).status, 200);
    assert.is((await server.call('GET', CHECK, { token: foreign })).status, 401);
  }));

test('an admin token opens what its scopes name, until it expires or is revoked', () =>
  withServer({ snapshot: full() }, async server => {
    const root = await server.admin('admin');
    const json = { name: 'ci', scopes: ['read'], expires_in_s: 3600 };
    const made = await server.call('POST', '/v1/admin-tokens', { token: root, json });
    assert.is(made.status, 201);
    const { token } = made.json;
    assert.match(token, /^ota_admin_/);
    const status = async () => (await server.call('GET', '/v1/devices', { token })).status;
    assert.is(await status(), 200);
    const lacking = await server.call('POST', '/v1/devices', { token, json: { device_id: 'x' } });
    assert.equal([lacking.status, lacking.json.code], [403, 'scope_missing']);
    assert.is((await server.call('GET', '/v1/admin-tokens', { token })).status, 403);
    assert.is(
      (await server.call('POST', '/v1/admin-tokens', { token: root, json })).json.code,
      'token_exists',
    );
    const listed = await server.call('GET', '/v1/admin-tokens', { token: root });
    assert.not.match(listed.body.toString(), token.slice(10));
    server.world.nowMs += 3_600_000;
    assert.is((await server.call('GET', '/v1/devices', { token })).json.code, 'token_expired');
    server.world.nowMs -= 3_600_000;
    assert.is((await server.call('DELETE', '/v1/admin-tokens/ci', { token: root })).status, 204);
    assert.is((await server.call('GET', '/v1/devices', { token })).json.code, 'token_revoked');
    assert.is((await server.call('DELETE', '/v1/admin-tokens/nobody', { token: root })).status, 404);
    const { events } = (await server.call('GET', '/v1/events', { token: root })).json;
    assert.equal(
      events.map((e: { action: string; subject: string }) => [e.action, e.subject]),
      [
        ['token.revoke', 'ci'],
        ['token.create', 'ci'],
      ],
    );
  }));

test('a device token opens no operator route, and an admin token no agent route', () =>
  withServer({ snapshot: full() }, async server => {
    const device = await server.enrol('kiosk-7');
    const admin = await server.admin('admin');
    assert.is((await server.call('GET', '/v1/rollout', { token: device })).status, 401);
    assert.is((await server.call('GET', CHECK, { token: admin })).status, 401);
    assert.is((await server.call('GET', '/metrics')).status, 401);
    assert.is((await server.call('GET', '/metrics', { token: await server.admin('metrics') })).status, 200);
  }));

test.run();
