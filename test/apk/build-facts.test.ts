/** From an APK's facts to a build's YAML and back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ApkFacts,
  buildDocument,
  compareWithBuild,
  sameSigningKey,
} from '../../controller/apk/index.ts';
import type { Build } from '../../controller/domain/release.ts';
import {
  factsOf,
  fingerprintOf,
  fixtureApk,
  makeApk,
  signZip,
  testKey,
  unsignedApk,
} from '../support/apk/index.ts';

const key = testKey('release');
const next = testKey('release-next');
const plain = { versionCode: 42, versionName: '4.2.0', minSdk: 26, key };

/** The build that SPEC's YAML would be parsed into. */
function parsed(facts: ApkFacts): Build {
  const document = buildDocument(facts, 'b42');
  return {
    buildId: document.build_id,
    package: document.package,
    versionCode: document.version_code,
    versionName: document.version_name,
    minSdk: document.min_sdk,
    sizeBytes: document.size_bytes,
    sha256: document.sha256,
    signerFingerprint: document.signer_fingerprint,
    signers: (document.signers ?? []).map(({ min_sdk, fingerprint }) => ({ minSdk: min_sdk, fingerprint })),
    signerLineage: document.signer_lineage ?? [],
    notes: undefined,
    withdrawn: undefined,
  };
}

test('a plain APK has one signer and no lineage', async () => {
  const facts = await factsOf(makeApk(plain));
  assert.equal(buildDocument(facts, 'b42'), {
    apiVersion: 'ota.nexmdm/v1',
    kind: 'Build',
    build_id: 'b42',
    package: 'com.nexmdm.agent',
    version_code: 42,
    version_name: '4.2.0',
    min_sdk: 26,
    size_bytes: facts.sizeBytes,
    sha256: facts.sha256,
    signer_fingerprint: fingerprintOf(key),
  });
});

test('a signer that differs by SDK is listed from where it counts', async () => {
  const document = buildDocument(await factsOf(makeApk({ ...plain, rotateTo: { key: next } })), 'b42');
  assert.is(document.signer_fingerprint, fingerprintOf(key));
  assert.equal(document.signers, [{ min_sdk: 33, fingerprint: fingerprintOf(next) }]);
  assert.equal(document.signer_lineage, [fingerprintOf(key)]);
});

test('a rotation that v2 cannot follow differs by SDK too', async () => {
  const document = buildDocument(await factsOf(fixtureApk('v2-v3-rotated-twice')), 'b7');
  assert.is(document.signer_fingerprint, fingerprintOf(testKey('rsa-2048')));
  assert.equal(document.signers, [{ min_sdk: 28, fingerprint: fingerprintOf(key) }]);
  assert.equal(document.signer_lineage, [
    fingerprintOf(testKey('rsa-2048')),
    fingerprintOf(testKey('ec-p384')),
  ]);
});

test('a key without the installed-data capability is left out of signer_lineage', async () => {
  const facts = await factsOf(
    makeApk({ ...plain, minSdk: 28, schemes: ['v3'], key: next, lineage: [{ key, flags: 2 }] }),
  );
  assert.is(facts.signers[0]?.lineage.length, 1);
  assert.is(buildDocument(facts, 'b42').signer_lineage, undefined);
});

test('an APK agrees with the document made of it', async () => {
  for (const apk of [
    makeApk(plain),
    makeApk({ ...plain, rotateTo: { key: next } }),
    fixtureApk('v2-v3-rotated-twice'),
  ]) {
    const facts = await factsOf(apk);
    assert.equal(compareWithBuild(facts, parsed(facts)), []);
  }
});

test('every disagreement is reported with its code, in the order of the document', async () => {
  const facts = await factsOf(makeApk(plain));
  const other = 'f'.repeat(64);
  const build: Build = {
    ...parsed(facts),
    package: 'com.other',
    versionCode: 41,
    versionName: '4.1.0',
    minSdk: 24,
    sizeBytes: 1,
    sha256: other,
    signerFingerprint: other,
    signers: [{ minSdk: 33, fingerprint: other }],
    signerLineage: [other],
  };
  assert.equal(
    compareWithBuild(facts, build).map(({ code, field, declared }) => [code, field, declared]),
    [
      ['package_mismatch', 'package', 'com.other'],
      ['version_code_mismatch', 'version_code', '41'],
      ['version_name_mismatch', 'version_name', '4.1.0'],
      ['min_sdk_mismatch', 'min_sdk', '24'],
      ['size_mismatch', 'size_bytes', '1'],
      ['sha256_mismatch', 'sha256', other],
      ['signer_mismatch', 'signer_fingerprint', other],
      ['signers_mismatch', 'signers', `33: ${other}`],
      ['signer_lineage_mismatch', 'signer_lineage', other],
    ],
  );
  assert.is(compareWithBuild(facts, build)[1]?.actual, '42');
});

test('a set of signers cannot be declared', async () => {
  const facts = await factsOf(fixtureApk('v2-two-signers'));
  assert.equal(
    compareWithBuild(facts, parsed(facts)).map(({ code, actual }) => [code, actual]),
    [['several_signers', fingerprintOf(testKey('rsa-2048'))]],
  );
});

test('the same key is the same certificate on every SDK both can run on', async () => {
  const same = async (a: Buffer, b: Buffer) => sameSigningKey(await factsOf(a), await factsOf(b));
  const older = makeApk({ ...plain, versionCode: 41 });
  assert.ok(await same(makeApk(plain), older));
  assert.ok(
    await same(makeApk({ ...plain, minSdk: 28, schemes: ['v3'] }), older),
    'the scheme does not matter',
  );
  assert.not(await same(makeApk({ ...plain, key: next }), older));
  assert.not(await same(makeApk({ ...plain, rotateTo: { key: next } }), older), 'from SDK 33 on it differs');
  assert.ok(
    await same(
      makeApk({ ...plain, rotateTo: { key: next } }),
      makeApk({ ...plain, rotateTo: { key: next } }),
    ),
  );
  assert.not(
    await same(makeApk({ ...plain, key: next, lineage: [{ key }] }), older),
    'a lineage allows updates, not downgrades',
  );
  const archive = unsignedApk({ versionCode: 1, minSdk: 26 });
  assert.not(
    await same(signZip(archive, { v2: [{ key }, { key: next }] }), older),
    'one of a set is not the set',
  );
  assert.ok(
    await same(
      signZip(archive, { v2: [{ key }, { key: next }] }),
      signZip(archive, { v2: [{ key: next }, { key }] }),
    ),
  );
});

test('without a common SDK nothing is the same', async () => {
  const apk = makeApk({ ...plain, rotateTo: { key: next } });
  assert.not(sameSigningKey(await factsOf(apk, 26), await factsOf(apk, 30)));
});

test('facts without a signer make a document without one, and no error', async () => {
  const facts = { ...(await factsOf(makeApk({ versionCode: 1, key }))), signers: [] };
  const document = buildDocument(facts, 'b1');
  assert.equal(
    [document.signer_fingerprint, document.signers, document.signer_lineage],
    ['', undefined, undefined],
  );
});

test.run();
