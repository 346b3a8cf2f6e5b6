/** APKs our signer had no hand in: built by aapt and aapt2, signed by apksigner. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApkRejectionCode, LAST_SDK, type Scheme } from '../../controller/apk/index.ts';
import {
  codeOf,
  factsOf,
  fingerprintOf,
  fixtureApk,
  type TestKeyName,
  testKey,
} from '../support/apk/index.ts';

type Row = [minSdk: number, maxSdk: number, scheme: Scheme, key: TestKeyName, lineage?: TestKeyName[]];

const ACCEPTED: Record<string, Row[]> = {
  'v2-rsa-2048': [[24, LAST_SDK, 'v2', 'rsa-2048']],
  'v2-ec-p256': [[26, LAST_SDK, 'v2', 'release']],
  'v2-dsa-2048': [[26, LAST_SDK, 'v2', 'dsa-2048']],
  'v2-verity-rsa-2048': [[26, LAST_SDK, 'v2', 'rsa-2048']],
  'v2-two-signers': [[26, LAST_SDK, 'v2', 'release']],
  'v1-v2-rsa-2048': [[24, LAST_SDK, 'v2', 'rsa-2048']],
  'v3-ec-p384': [[28, LAST_SDK, 'v3', 'ec-p384']],
  'v3-verity-ec-p256': [[28, LAST_SDK, 'v3', 'release']],
  'v2-v3-rsa-4096': [
    [26, 27, 'v2', 'rsa-4096'],
    [28, LAST_SDK, 'v3', 'rsa-4096'],
  ],
  'v1-v2-v3-ec-p256': [
    [24, 27, 'v2', 'release'],
    [28, LAST_SDK, 'v3', 'release'],
  ],
  'v3-rotated-once': [[28, LAST_SDK, 'v3', 'release-next', ['release']]],
  'v3-rotated-rollback': [[28, LAST_SDK, 'v3', 'release', ['dsa-2048']]],
  'v2-v3-rotated-twice': [
    [24, 27, 'v2', 'rsa-2048'],
    [28, LAST_SDK, 'v3', 'release', ['rsa-2048', 'ec-p384']],
  ],
  'v2-v3-v31-rotated': [
    [26, 27, 'v2', 'release'],
    [28, 32, 'v3', 'release'],
    [33, LAST_SDK, 'v3.1', 'release-next', ['release']],
  ],
  'v3-v31-rotated-rsa': [
    [28, 32, 'v3', 'rsa-2048'],
    [33, LAST_SDK, 'v3.1', 'rsa-4096', ['rsa-2048']],
  ],
};

for (const [name, rows] of Object.entries(ACCEPTED)) {
  test(`accepts ${name}`, async () => {
    const facts = await factsOf(fixtureApk(name));
    assert.equal(
      facts.signers.map(range => [
        range.minSdk,
        range.maxSdk,
        range.scheme,
        range.fingerprint,
        range.lineage.map(node => node.fingerprint),
      ]),
      rows.map(([minSdk, maxSdk, scheme, key, lineage = []]) => [
        minSdk,
        maxSdk,
        scheme,
        fingerprintOf(testKey(key)),
        lineage.map(older => fingerprintOf(testKey(older))),
      ]),
    );
    assert.equal(facts.schemes, [...new Set(rows.map(([, , scheme]) => scheme))]);
    assert.is(facts.package, 'com.nexmdm.agent');
    assert.is(facts.versionCode, 7);
    assert.is(facts.versionName, '7.1');
    assert.is(facts.targetSdk, 33);
    assert.is(facts.debuggable, false);
  });
}

const REJECTED: Record<string, ApkRejectionCode> = {
  unsigned: 'unsigned',
  'v1-only': 'v1_only',
  'version-name-reference': 'manifest_reference',
  'version-code-major': 'version_code_major',
};

for (const [name, code] of Object.entries(REJECTED)) {
  test(`rejects ${name}`, async () => assert.is(await codeOf(fixtureApk(name)), code));
}

test('every signer of a set is reported', async () => {
  const [range] = (await factsOf(fixtureApk('v2-two-signers'))).signers;
  assert.equal(range?.coSigners, [fingerprintOf(testKey('rsa-2048'))]);
});

test('the flags of an earlier key are read', async () => {
  const [usual] = (await factsOf(fixtureApk('v3-rotated-once'))).signers;
  const [rollback] = (await factsOf(fixtureApk('v3-rotated-rollback'))).signers;
  assert.is(usual?.lineage[0]?.flags, 1 | 2 | 4 | 16);
  assert.is(rollback?.lineage[0]?.flags, 1 | 2 | 4 | 8);
});

test('a debuggable APK is accepted and named so', async () => {
  assert.is((await factsOf(fixtureApk('debuggable'))).debuggable, true);
});

test.run();
