/** Keys in the data folder: made once, kept for their owner alone, and never replaced in silence. */
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { newTokenKey, parseTokenKey, readOrMakeSecret } from '../../controller/settings/keys.ts';
import { Secret } from '../../controller/settings/secret.ts';
import { withFolder } from '../support/folder.ts';

const faultOf = (work: () => unknown): Fault => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it was accepted');
};
const HEX = 'ab'.repeat(32);

test('a key is made once, whole, for its owner alone', () =>
  withFolder(async folder => {
    const made = readOrMakeSecret(folder, 'token-key', newTokenKey);
    const file = path.join(folder, 'token-key');
    assert.is((await stat(file)).mode & 0o777, 0o600);
    assert.is((await readFile(file, 'utf8')).trim(), made.secret.reveal());
    assert.equal(await readdir(folder), ['token-key'], 'no half-written file is left');
    const again = readOrMakeSecret(folder, 'token-key', () => assert.unreachable('it exists') as never);
    assert.is(again.secret.reveal(), made.secret.reveal());
    assert.is(again.exposed, false);
  }));

test('a half-written key file of a killed start is not used', () =>
  withFolder(async folder => {
    await writeFile(path.join(folder, 'token-key.partial'), 'k1:ab');
    const { secret } = readOrMakeSecret(folder, 'token-key', newTokenKey);
    assert.is(parseTokenKey('token-key', secret).kid, 'k1');
    assert.equal(await readdir(folder), ['token-key']);
  }));

test('a key file that others can read is reported', () =>
  withFolder(async folder => {
    readOrMakeSecret(folder, 'token-key', newTokenKey);
    for (const [mode, exposed] of [
      [0o640, true],
      [0o602, true],
      [0o400, false],
    ] as const) {
      await chmod(path.join(folder, 'token-key'), mode);
      assert.is(readOrMakeSecret(folder, 'token-key', 'devices_depend').exposed, exposed, mode.toString(8));
    }
  }));

test('a missing or an empty key is refused with the file and the way back', () =>
  withFolder(async folder => {
    const missing = faultOf(() => readOrMakeSecret(folder, 'nudge-key', 'devices_depend'));
    assert.is(missing.code, 'key_missing');
    assert.match(missing.message, path.join(folder, 'nudge-key'));
    assert.match(missing.message, /backup/);
    assert.equal(await readdir(folder), []);
    await writeFile(path.join(folder, 'nudge-key'), '\n');
    const empty = faultOf(() => readOrMakeSecret(folder, 'nudge-key', newTokenKey));
    assert.is(empty.code, 'key_empty');
    assert.match(empty.message, path.join(folder, 'nudge-key'));
    assert.is(empty.retry, 'never');
  }));

test('a key id may hold what a token may hold, and nothing else', () => {
  assert.is(parseTokenKey('OTA_TOKEN_KEY', new Secret(`2026-11_a:${HEX}`)).kid, '2026-11_a');
  for (const text of [`a.b:${HEX}`, `:${HEX}`, `${'k'.repeat(17)}:${HEX}`, `k:${HEX}:x`, 'k:ab', HEX])
    assert.is(faultOf(() => parseTokenKey('OTA_TOKEN_KEY', new Secret(text))).code, 'settings_invalid', text);
});

test('with the database elsewhere no key is made: a second controller would refuse the whole fleet', () =>
  withFolder(async folder => {
    const missing = faultOf(() => readOrMakeSecret(folder, 'token-key', 'database_elsewhere'));
    assert.is(missing.code, 'key_missing');
    assert.match(missing.message, /token-key is missing.*OTA_DATABASE.*docs\/postgresql\.md/);
    assert.not.ok(existsSync(path.join(folder, 'token-key')));
  }));

test.run();
