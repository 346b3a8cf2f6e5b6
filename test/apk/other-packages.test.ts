/** Files that people take for an APK, named for what they are; and what a refused file claims to be. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HINTS } from '../../controller/apk/index.ts';
import { list } from '../support/apk/bytes.ts';
import { codeOf, makeApk, signZip, testKey, unsignedApk, verdictOf } from '../support/apk/index.ts';
import { manifestOf } from '../support/apk/make-apk.ts';
import { androidAttribute, buildBinaryXml } from '../support/apk/manifest.ts';
import { BLOCK_IDS } from '../support/apk/sign.ts';
import { buildZip, joinZip } from '../support/apk/zip.ts';

const key = testKey('release');
const zipOf = (...names: string[]): Buffer =>
  joinZip(buildZip(names.map(name => ({ name, content: Buffer.from(name), stored: true }))));

const PACKAGES: [code: string, archive: Buffer, says: RegExp][] = [
  [
    'app_bundle',
    zipOf('BundleConfig.pb', 'base/manifest/AndroidManifest.xml'),
    /Android App Bundle \(\.aab\)/,
  ],
  [
    'split_archive',
    zipOf('manifest.json', 'com.nexmdm.agent.apk', 'config.arm64_v8a.apk'),
    /is an XAPK, not/,
  ],
  ['split_archive', zipOf('info.json', 'base.apk', 'split_config.de.apk'), /APKMirror bundle \(\.apkm\)/],
  ['split_archive', zipOf('toc.pb', 'splits/base-master.apk'), /APK set of bundletool \(\.apks\)/],
  ['split_archive', zipOf('app/release.APK'), /is an archive of APKs, not/],
  ['android_library', zipOf('AndroidManifest.xml', 'classes.jar', 'R.txt'), /Android library \(\.aar\)/],
];

for (const [code, archive, says] of PACKAGES)
  test(`${code}: ${says.source}`, async () => {
    const verdict = await verdictOf(archive);
    assert.is(verdict.ok ? 'accepted' : verdict.code, code);
    assert.match(verdict.ok ? '' : verdict.message, says);
  });

test('each refusal has a hint', () => {
  for (const code of ['app_bundle', 'split_archive'] as const)
    assert.match(HINTS[code], /bundletool build-apks --mode=universal/);
});

test('other archives are still manifest_missing or manifest_malformed', async () => {
  assert.is(await codeOf(zipOf('manifest.json', 'notes.txt')), 'manifest_missing');
  assert.is(await codeOf(zipOf('AndroidManifest.xml')), 'manifest_malformed');
});

test('an APK that ships a classes.jar is an APK', async () => {
  const files = [{ name: 'classes.jar', content: Buffer.from('jar') }];
  assert.is(await codeOf(makeApk({ versionCode: 1, key, files })), 'accepted');
});

/** What the verdict on a refused file says that it claims to be. */
async function claimsOf(apk: Buffer): Promise<unknown> {
  const verdict = await verdictOf(apk);
  assert.not.ok(verdict.ok);
  const { package: name, versionCode, versionName } = verdict.ok ? verdict.facts : (verdict.partial ?? {});
  return [verdict.ok ? 'accepted' : verdict.code, name, versionCode, versionName];
}

test('a refused APK still shows what was read of it', async () => {
  const withManifest = (
    name: 'versionName' | 'targetSdkVersion',
    on: 'manifest' | 'uses-sdk',
    value: string,
  ) => {
    const root = manifestOf({ versionCode: 7, versionName: '7.0' });
    const element = on === 'manifest' ? root : root.children?.find(child => child.name === on);
    const attributes = element?.attributes ?? [];
    const at = attributes.findIndex(attribute => attribute.name === name);
    attributes[at] = androidAttribute(name, { string: value });
    return joinZip(buildZip([{ name: 'AndroidManifest.xml', content: buildBinaryXml(root) }]));
  };
  assert.equal(await claimsOf(withManifest('targetSdkVersion', 'uses-sdk', 'Baklava')), [
    'sdk_codename',
    'com.nexmdm.agent',
    7,
    '7.0',
  ]);
  assert.equal(await claimsOf(withManifest('versionName', 'manifest', '')), [
    'version_name_missing',
    'com.nexmdm.agent',
    7,
    undefined,
  ]);
  const unsigned = joinZip(unsignedApk({ versionCode: 7 }));
  assert.equal(await claimsOf(unsigned), ['unsigned', 'com.nexmdm.agent', 7, '7.0.0']);
  const broken = makeApk({ versionCode: 7, key });
  const magic = broken.lastIndexOf('APK Sig Block 42');
  broken.writeUInt32LE(1, magic - 8);
  assert.equal(await claimsOf(broken), ['signing_block_malformed', 'com.nexmdm.agent', 7, '7.0.0']);
});

test('the hybrid scheme: the verdict says what is verified and what is not, and shows the older signers', async () => {
  const hybrid = { id: BLOCK_IDS.v32, value: list([]) };
  const apk = signZip(unsignedApk({ versionCode: 1, minSdk: 28 }), { v3: [{ key }], pairs: [hybrid] });
  const verdict = await verdictOf(apk);
  assert.not.ok(verdict.ok);
  if (verdict.ok) return;
  assert.is(verdict.code, 'scheme_unsupported');
  assert.match(verdict.message, /from SDK 37 and this verifier does not support; .* valid for SDK 28 to 36$/);
  assert.equal(
    verdict.partial?.signers?.map(range => [range.minSdk, range.maxSdk, range.scheme]),
    [[28, 36, 'v3']],
  );
  const newOnly = await verdictOf(
    signZip(unsignedApk({ versionCode: 1, minSdk: 37 }), { v3: [{ key }], pairs: [hybrid] }),
  );
  assert.match(newOnly.ok ? '' : newOnly.message, /the APK cannot be installed on an older SDK$/);
  const broken = { signature: () => Buffer.alloc(70) };
  const bad = signZip(unsignedApk({ versionCode: 1, minSdk: 28 }), {
    v3: [{ key, broken }],
    pairs: [hybrid],
  });
  assert.is(await codeOf(bad), 'signature_invalid', 'an older signer that is not valid is told first');
});

test.run();
