/** Operators can always get in again, and by no token that was spent (SPEC §6). */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { DAY_MS } from '../support/state.ts';

const kept = async (journey: Journey): Promise<string> =>
  (await readFile(path.join(journey.folder, 'data', 'admin-token'), 'utf8')).trim();
const answers = async (journey: Journey, token: string): Promise<string | number> => {
  const answer = await call(journey.url, 'GET', '/v1/admin-tokens', { token });
  return answer.status === 200 ? 200 : answer.json.code;
};

test('while a valid admin token exists, a restart creates no other', () =>
  withController(async journey => {
    await journey.restart();
    assert.is(journey.controller.adminTokenFile, undefined);
    assert.is(await kept(journey), journey.adminToken);
    assert.is(await answers(journey, journey.adminToken), 200);
  }));

test('once the last such token has expired, the next start leaves a new one', () =>
  withController(async journey => {
    const json = { name: 'viewer', scopes: ['read'], expires_in_s: 86_400 * 365 };
    await journey.admin('POST', '/v1/admin-tokens', { json });
    await journey.restart(undefined, 364 * DAY_MS);
    assert.is(journey.controller.adminTokenFile, undefined);
    // A start so long after the last one is doubted until somebody vouches for the clock.
    await journey.admin('POST', '/v1/clock/confirm');
    await journey.restart(undefined, 2 * DAY_MS);
    const fresh = await kept(journey);
    assert.is.not(fresh, journey.adminToken);
    assert.is(await answers(journey, fresh), 200);
    assert.is(await answers(journey, journey.adminToken), 'token_invalid');
  }));

test('a revoked token does not come back to life with the next start', () =>
  withController(async journey => {
    await journey.admin('DELETE', '/v1/admin-tokens/first?yes=true');
    assert.is(await answers(journey, journey.adminToken), 'token_revoked');
    await journey.restart();
    const fresh = await kept(journey);
    assert.is.not(fresh, journey.adminToken);
    assert.is(await answers(journey, fresh), 200);
    assert.is.not(await answers(journey, journey.adminToken), 200);
  }));

test.run();
