import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDuration } from '../../controller/domain/duration.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { readSettings } from '../../controller/settings/read.ts';
import { SETTINGS } from '../../controller/settings/settings.ts';

function messageOf(env: Record<string, string>): string {
  try {
    readSettings(env);
  } catch (error) {
    assert.instance(error, Fault);
    assert.is((error as Fault).code, 'settings_invalid');
    return (error as Fault).message;
  }
  throw new Error('the settings were accepted');
}

test('with nothing set every setting has its default and the whole is frozen', () => {
  const settings = readSettings({ PATH: '/bin' });
  assert.is(settings.OTA_HOST, '127.0.0.1');
  assert.is(settings.OTA_POLL_INTERVAL, 6 * 3_600_000);
  assert.is(settings.OTA_ACTIVE_WINDOW, 72 * 3_600_000);
  assert.is(settings.OTA_RETENTION_EVENTS, 90 * 86_400_000);
  assert.ok(Object.isFrozen(settings));
});

test('an unknown setting is an error that names it and what was meant', () => {
  assert.match(
    messageOf({ OTA_PUBLIC_ULR: 'http://x' }),
    /OTA_PUBLIC_ULR: unknown setting; did you mean OTA_PUBLIC_URL\?/,
  );
});

test('all mistakes are reported together, and no value is echoed', () => {
  const message = messageOf({
    OTA_PORT: '99999',
    OTA_SOURCE_INTERVAL: 'hunter2',
    OTA_TLS_CERT: '/c.pem',
    OTA_FOO_BAR: 'hunter2',
  });
  for (const name of ['OTA_PORT', 'OTA_SOURCE_INTERVAL', 'OTA_TLS_CERT and OTA_TLS_KEY', 'OTA_FOO_BAR'])
    assert.match(message, name);
  assert.not.match(message, /hunter2|99999/);
});

test('a repository without credentials, or with two kinds, is refused', () => {
  assert.match(messageOf({ OTA_GITHUB_REPO: 'o/r' }), /OTA_GITHUB_REPO: requires OTA_GITHUB_TOKEN/);
  assert.match(messageOf({ OTA_GITHUB_APP_ID: '1' }), /set all three or none/);
});

const OIDC = {
  OTA_OIDC_ISSUER: 'https://login.example/realm/',
  OTA_OIDC_CLIENT_ID: 'ota',
  OTA_OIDC_ROLES: 'operator = On call; viewer=cn=staff,ou=groups;proposer=mobile;',
  OTA_OPERATOR_URL: 'https://ota.example',
};

test('groups are given roles, and the issuer stays as it is written', () => {
  const settings = readSettings(OIDC);
  assert.equal(
    [...(settings.OTA_OIDC_ROLES ?? [])],
    [
      ['On call', 'operator'],
      ['cn=staff,ou=groups', 'viewer'],
      ['mobile', 'proposer'],
    ],
  );
  assert.is(settings.OTA_OIDC_ISSUER, 'https://login.example/realm/');
  for (const roles of ['admin=a', 'viewer', 'viewer=', 'viewer=a;operator=a', ';'])
    assert.match(messageOf({ ...OIDC, OTA_OIDC_ROLES: roles }), /OTA_OIDC_ROLES: must be ROLE=GROUP/, roles);
  for (const scopes of ['profile', 'openid "x"', 'openid\u0000'])
    assert.match(messageOf({ ...OIDC, OTA_OIDC_SCOPES: scopes }), /OTA_OIDC_SCOPES: must be/, scopes);
});

test('a provider is set up whole, over https, and with the address that people come back to', () => {
  const { OTA_OIDC_ROLES: _, ...noRoles } = OIDC;
  const { OTA_OPERATOR_URL: __, ...noUrl } = OIDC;
  assert.match(messageOf(noRoles), /OTA_OIDC_ROLES: set all three or none/);
  assert.match(messageOf(noUrl), /OTA_OPERATOR_URL: required with OTA_OIDC_ISSUER/);
  assert.match(
    messageOf({ ...OIDC, OTA_OIDC_ISSUER: 'http://login.example' }),
    /OTA_OIDC_ISSUER: must be https/,
  );
  assert.match(
    messageOf({ ...OIDC, OTA_OPERATOR_URL: 'http://ota.example' }),
    /OTA_OPERATOR_URL: must be https/,
  );
  assert.match(messageOf({ OTA_OIDC_CLIENT_SECRET: 's' }), /requires OTA_OIDC_ISSUER/);
  readSettings({ ...OIDC, OTA_OIDC_ISSUER: 'http://127.0.0.1:1', OTA_OPERATOR_URL: 'http://127.0.0.1:2' });
});

test('a secret comes from the environment or a file and is shown nowhere', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ota-config-'));
  const file = path.join(folder, 'token');
  writeFileSync(file, 'ghp_secret\n');
  const settings = readSettings({ OTA_GITHUB_TOKEN_FILE: file, OTA_GITHUB_REPO: 'o/r' });
  assert.is(settings.OTA_GITHUB_TOKEN?.reveal(), 'ghp_secret');
  for (const shown of [JSON.stringify(settings), inspect(settings), `${settings.OTA_GITHUB_TOKEN}`]) {
    assert.not.match(shown, /ghp_secret/);
    assert.match(shown, /redacted/);
  }
  assert.match(
    messageOf({ OTA_GITHUB_TOKEN_FILE: path.join(folder, 'none') }),
    /OTA_GITHUB_TOKEN_FILE: cannot read .*ENOENT/,
  );
  assert.match(messageOf({ OTA_PORT_FILE: file }), /OTA_PORT_FILE: unknown setting/);
});

test('durations take ms, s, m, h and d and nothing else', () => {
  assert.equal(['250ms', '30s', '5m', '6h', '90d', '', '5', 'h', '-1h', '1.5h', '1w'].map(parseDuration), [
    250,
    30_000,
    300_000,
    21_600_000,
    7_776_000_000,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('a public URL with credentials, query or another scheme is refused', () => {
  for (const url of ['http://a:b@host', 'https://host/?x=1', 'ftp://host', 'host'])
    assert.match(messageOf({ OTA_PUBLIC_URL: url }), /OTA_PUBLIC_URL: must be/);
  assert.is(readSettings({ OTA_PUBLIC_URL: 'https://ota.example/' }).OTA_PUBLIC_URL, 'https://ota.example');
});

test('a public URL that no agent would follow is refused', () => {
  const tls = { OTA_TLS_CERT: '/tls.crt', OTA_TLS_KEY: '/tls.key' };
  assert.match(messageOf({ OTA_TRUSTED_PROXY: 'true' }), /OTA_PUBLIC_URL: required with OTA_TRUSTED_PROXY/);
  assert.match(
    messageOf({ ...tls, OTA_HOST: '0.0.0.0' }),
    /OTA_PUBLIC_URL: required when OTA_HOST is 0\.0\.0\.0/,
  );
  assert.match(messageOf({ OTA_PUBLIC_URL: 'http://ota.example' }), /OTA_PUBLIC_URL: must be https/);
  for (const fine of [
    { OTA_TRUSTED_PROXY: 'true', OTA_PUBLIC_URL: 'https://ota.example' },
    { ...tls, OTA_HOST: '10.0.0.5' },
    { OTA_PUBLIC_URL: 'http://127.0.0.1:8080' },
    { OTA_PUBLIC_URL: 'http://localhost:8080' },
  ])
    readSettings(fine);
});

test('a duration that would be a busy loop, or erase at once, is refused', () => {
  for (const [name, ...wrong] of [
    ['OTA_SOURCE_INTERVAL', '0s', '999ms', '25h', '90d'],
    ['OTA_POLL_INTERVAL', '0s', '59s', '8d'],
    ['OTA_ACTIVE_WINDOW', '0s', '366d'],
    ['OTA_RETENTION_EVENTS', '0d', '23h'],
    ['OTA_RETENTION_DOWNLOADS', '0d', '99999d'],
  ] as const)
    for (const value of wrong)
      assert.match(messageOf({ [name]: value }), new RegExp(`${name}: must be a duration from`));
  assert.is(readSettings({ OTA_SOURCE_INTERVAL: '1s' }).OTA_SOURCE_INTERVAL, 1000);
});

test('what an operator has set for the command lines stops no controller; a misspelt one does', () => {
  readSettings({
    OTA_URL: 'http://127.0.0.1:1',
    OTA_CONTEXT: 'prod',
    OTA_ADMIN_TOKEN_FILE: '/no/such/file',
    OTA_AGENT_URL: 'http://127.0.0.1:1',
  });
  assert.match(messageOf({ OTA_ADMIN_TOKENS: 'x' }), /OTA_ADMIN_TOKENS: unknown setting/);
});

test('docs/settings.md names every setting and no other', () => {
  const doc = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8');
  const named = new Set([...doc.matchAll(/`(OTA_[A-Z_]+)`/g)].map(m => m[1]));
  for (const extra of ['OTA_URL', 'OTA_ADMIN_TOKEN', 'OTA_CONTEXT', 'OTA_AGENT_']) named.delete(extra);
  for (const name of [...named]) if (name?.endsWith('_FILE')) named.delete(name);
  assert.equal([...named].sort(), Object.keys(SETTINGS).sort());
});

test.run();
