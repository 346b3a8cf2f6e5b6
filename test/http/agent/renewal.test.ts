/** Server keys are rotated without a visit to any device: who is asked to renew, how many at a time, and who still holds what. */
import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeDeviceTokens } from '../../../controller/http/device-token.ts';
import { type TestServer, TOKEN_KEY, withServer } from '../../support/http.ts';
import { aSnapshot, DAY_MS } from '../../support/state.ts';

const CHECK = '/v1/agent/update?version_code=41';
const NEW_KEY = { kid: 'k2', key: randomBytes(32) };
const old = makeDeviceTokens([TOKEN_KEY]);
const rotated = { snapshot: aSnapshot(), tokenKeys: [NEW_KEY, TOKEN_KEY] as const };

const asked = async ({ call }: TestServer, token: string): Promise<string | undefined> =>
  (await call('GET', CHECK, { token })).headers['ota-token'];

test('a token of the previous key is asked to renew, and the renewed one is not', () =>
  withServer(rotated, async server => {
    await server.store.devices.enrol([{ deviceId: 'd-1', tags: [] }], server.world.nowMs, 'k1');
    const token = old.mint('d-1', 1);
    assert.is(await asked(server, token), 'renew');
    assert.equal([...server.store.devices.kids()], [['k1', 1]]);
    const renewed = (await server.call('POST', '/v1/agent/token', { token })).json as { token: string };
    assert.match(renewed.token, /^v1\.k2\.d-1\.2\./);
    // The answer may have been lost: a year later the old token still works, and asks again.
    server.world.nowMs += 365 * DAY_MS;
    assert.is(await asked(server, token), 'renew');
    assert.is(await asked(server, renewed.token), 'renew', 'by then it is a year old itself');
    assert.equal([...server.store.devices.kids()], [['k2', 1]]);
    assert.is((await server.call('GET', CHECK, { token })).status, 401);
  }));

test('a token of the present key is asked to renew once it is older than the setting', () =>
  withServer({ snapshot: aSnapshot(), settings: { tokenRenewAfterMs: 30 * DAY_MS } }, async server => {
    const token = await server.enrol('d-1');
    assert.is(await asked(server, token), undefined);
    server.world.nowMs += 30 * DAY_MS - 1;
    assert.is(await asked(server, token), undefined);
    server.world.nowMs += 1;
    assert.is(await asked(server, token), 'renew');
    const renewed = (await server.call('POST', '/v1/agent/token', { token })).json as { token: string };
    assert.is(await asked(server, renewed.token), undefined);
  }));

test('only a limited number of devices a minute is asked; the others are answered as usual', () =>
  withServer({ ...rotated, settings: { tokenRenewalsPerMinute: 3 } }, async server => {
    const ids = Array.from({ length: 10 }, (_, n) => `d-${n}`);
    await server.store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      server.world.nowMs,
      'k1',
    );
    const round = async () => {
      const answers = await Promise.all(ids.map(id => asked(server, old.mint(id, 1))));
      return answers.filter(a => a === 'renew').length;
    };
    assert.is(await round(), 3);
    assert.is(await round(), 0);
    server.world.monotonicMs += 60_000;
    assert.is(await round(), 3);
  }));

test('both ways to answer a check carry the header, and a hold keeps its ETag beside it', () =>
  withServer({ ...rotated, settings: { fastCheck: false } }, async server => {
    await server.store.devices.enrol([{ deviceId: 'd-1', tags: [] }], server.world.nowMs, 'k1');
    const answer = await server.call('GET', '/v1/agent/update?version_code=42', {
      token: old.mint('d-1', 1),
      headers: { 'if-none-match': '"none"', 'ota-request-id': 'request-1' },
    });
    assert.is(answer.headers['ota-token'], 'renew');
    assert.is(answer.headers.etag, '"none"');
    assert.is(answer.headers['ota-request-id'], 'request-1');
  }));

test.run();
