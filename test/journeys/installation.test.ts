/** Two installations on one database are told from two controllers of one: by keys, source and public URL. */
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { ota } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { databaseOf } from '../support/postgres.ts';

const K1 = `k1:${'5'.repeat(64)}`;
const K2 = `k2:${'6'.repeat(64)}`;
const NUDGE = '7'.repeat(64);
const settings = { OTA_TOKEN_KEY: K1, OTA_NUDGE_KEY: NUDGE, OTA_PUBLIC_URL: 'https://ota.example' };

async function refusal(journey: Journey, changed: Readonly<Record<string, string>>): Promise<Fault> {
  const fault = await journey.restart(changed).catch(error => error);
  assert.ok(fault instanceof Fault, String(fault));
  assert.is(fault.retry, 'never');
  for (const key of [K1, K2, NUDGE]) assert.not.ok(fault.message.includes(key.slice(-16)), 'no key is told');
  return fault;
}

/** The verb with the environment of the controller. */
async function adopt(journey: Journey, changed: Readonly<Record<string, string>>, ...words: string[]) {
  const data = path.join(journey.folder, 'data');
  const database = await databaseOf(data);
  const source = { OTA_SOURCE: `file://${journey.repository.folder}` };
  const where = { OTA_DATA: data, ...(database === undefined ? {} : { OTA_DATABASE: database.url }) };
  return ota(['adopt', ...words], { settings: { ...where, ...source, ...settings, ...changed } });
}

test('a rotation of the token key as documented meets no refusal', () =>
  withController(
    async journey => {
      const [device] = await journey.enrol(['d1']);
      assert.ok(device);
      await journey.restart({ OTA_TOKEN_KEY: K2, OTA_TOKEN_KEY_PREVIOUS: K1 });
      await journey.restart({ OTA_TOKEN_KEY: K2 });
      const back = await refusal(journey, {});
      assert.is(back.code, 'installation_differs');
      assert.match(
        back.message,
        /OTA_TOKEN_KEY: the database says key k2, fingerprint \w+; here it is key k1/,
      );
      await journey.restart({ OTA_TOKEN_KEY: K2 });
    },
    { settings },
  ));

test('a controller with other settings does not start, takes nothing over, and says all that differs', () =>
  withController(
    async journey => {
      await journey.enrol(['d1']);
      const stranger = {
        OTA_TOKEN_KEY: `k1:${'4'.repeat(64)}`,
        OTA_SOURCE_BRANCH: 'next',
        OTA_PUBLIC_URL: 'https://staging.example',
      };
      const fault = await refusal(journey, stranger);
      assert.is(fault.code, 'installation_differs');
      for (const words of [
        /OTA_TOKEN_KEY: the database says key k1, fingerprint (\w+); here it is key k1, fingerprint (?!\1)/,
        /OTA_SOURCE_BRANCH: the database says main; here it is next/,
        /OTA_PUBLIC_URL: the database says https:\/\/ota\.example; here it is https:\/\/staging\.example/,
        /Correct the settings or use another database.*ota adopt --reason/,
      ])
        assert.match(fault.message, words);
      const before = journey.controller.store;
      await journey.restart();
      assert.is.not(journey.controller.store, before);
      assert.is((await journey.controller.store.admins.list()).length, 1, 'and no operator was made');
    },
    { settings },
  ));

test('a change that is wanted is adopted with a reason, and the audit tells it', () =>
  withController(
    async journey => {
      const changed = { OTA_NUDGE_KEY: '8'.repeat(64), OTA_PUBLIC_URL: 'https://new.example' };
      assert.is((await refusal(journey, changed)).code, 'installation_differs');
      assert.match((await adopt(journey, {})).out, /No setting differs/);
      const shown = await adopt(journey, changed);
      assert.is(shown.code, 1);
      assert.match(shown.out, /OTA_NUDGE_KEY +fingerprint \w{8} +fingerprint \w{8}/);
      assert.match(shown.out, /OTA_PUBLIC_URL +https:\/\/ota\.example +https:\/\/new\.example/);
      assert.is((await refusal(journey, changed)).code, 'installation_differs', 'looking changes nothing');
      const adopted = await adopt(journey, changed, '--reason', 'a new name');
      assert.is(adopted.code, 0, adopted.err);
      await journey.restart(changed);
      const [row] = await journey.controller.store.audit.list({ limit: 1, action: 'adopt' });
      assert.is(row?.actor, 'ota adopt');
      assert.is(row?.subject, 'OTA_NUDGE_KEY OTA_PUBLIC_URL');
      assert.match(JSON.stringify(row?.detail), /"reason":"a new name"/);
      assert.not.match(JSON.stringify(row), /8{16}/);
    },
    { settings },
  ));

test.run();
