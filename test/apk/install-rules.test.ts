/** What Android does not install although every signature is valid, and what only deserves a warning. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HINTS, obstacle } from '../../controller/apk/index.ts';
import { type ApkOptions, factsOf, fixtureApk, makeApk, testKey } from '../support/apk/index.ts';
import type { ZipFile } from '../support/apk/zip.ts';

const key = testKey('release');
const BYTES = Buffer.from('some content that is long enough to be compressed, compressed, compressed');

/** Severity and code of each concern about an APK like this. */
async function concernsOf(options: Partial<ApkOptions>): Promise<string[][]> {
  const { concerns } = await factsOf(makeApk({ versionCode: 1, minSdk: 24, key, ...options }));
  return concerns.map(({ severity, code }) => [severity, code]);
}

/** The message of the only concern. */
async function messageOf(options: Partial<ApkOptions>): Promise<string> {
  const { concerns } = await factsOf(makeApk({ versionCode: 1, minSdk: 24, key, ...options }));
  assert.is(concerns.length, 1, JSON.stringify(concerns));
  return concerns[0]?.message ?? '';
}

const withFile = (file: Partial<ZipFile>, more: Partial<ApkOptions> = {}): Partial<ApkOptions> => ({
  files: [{ name: 'assets/a.txt', content: BYTES, ...file }],
  ...more,
});

test('a usual APK raises no concern', async () => {
  assert.equal(await concernsOf({}), []);
  assert.equal(await concernsOf(withFile({})), []);
});

test('APKs of Android’s own tools raise no concern but debuggable', async () => {
  for (const name of ['v2-rsa-2048', 'v1-v2-v3-ec-p256', 'v2-v3-v31-rotated', 'v3-verity-ec-p256'])
    assert.equal((await factsOf(fixtureApk(name))).concerns, [], name);
  assert.equal(
    (await factsOf(fixtureApk('debuggable'))).concerns.map(c => [c.severity, c.code]),
    [['warning', 'debuggable']],
  );
});

test('test_only: an APK of the Run button', async () => {
  assert.equal(await concernsOf({ testOnly: true }), [['error', 'test_only']]);
  assert.equal(await concernsOf({ testOnly: false }), []);
  assert.match(await messageOf({ testOnly: true }), /android:testOnly="true".*adb install -t/);
});

test('splits_required: a base APK without its splits', async () => {
  for (const splitsRequired of ['manifest', 'application', { types: 'base__abi,base__density' }] as const)
    assert.equal(await concernsOf({ splitsRequired }), [['error', 'splits_required']]);
  assert.equal(await concernsOf({ splitsRequired: { types: '' } }), []);
});

test('resources_compressed: from targetSdkVersion 30 on Android maps resources.arsc', async () => {
  const compressed = withFile({ name: 'resources.arsc' });
  assert.equal(await concernsOf({ ...compressed, targetSdk: 30 }), [['error', 'resources_compressed']]);
  assert.equal(await concernsOf({ ...compressed, targetSdk: 29 }), []);
  assert.match(await messageOf(compressed), /targetSdkVersion 34, Android 11/);
});

test('resources_misaligned: resources.arsc must begin at a multiple of four', async () => {
  const at = (alignTo: number | undefined, targetSdk = 30) =>
    concernsOf({
      targetSdk,
      files: [
        { name: 'assets/odd', content: Buffer.alloc(1), stored: true, alignTo: 4 },
        { name: 'resources.arsc', content: BYTES, stored: true, ...(alignTo && { alignTo }) },
      ],
    });
  assert.equal(await at(4), []);
  assert.equal(await at(undefined), [['error', 'resources_misaligned']]);
  assert.equal(await at(undefined, 29), []);
});

const LIBRARY = 'lib/arm64-v8a/libagent.so';

test('native_library_compressed: what is mapped from the APK must be stored', async () => {
  const compressed = withFile({ name: LIBRARY });
  assert.equal(await concernsOf({ ...compressed, extractNativeLibs: false }), [
    ['error', 'native_library_compressed'],
  ]);
  assert.equal(await concernsOf({ ...compressed, extractNativeLibs: true }), []);
  assert.equal(await concernsOf(compressed), []);
  for (const name of ['lib/libagent.so', 'assets/lib/arm64-v8a/libagent.so', 'lib/arm64-v8a/notes.txt'])
    assert.equal(await concernsOf({ ...withFile({ name }), extractNativeLibs: false }), [], name);
  assert.match(
    await messageOf({ ...compressed, extractNativeLibs: false }),
    /^lib\/arm64-v8a\/libagent\.so is/,
  );
});

test('native_library_misaligned: what is mapped from the APK must begin at a page', async () => {
  const at = (alignTo: number, extractNativeLibs = false) =>
    concernsOf({ ...withFile({ name: LIBRARY, stored: true, alignTo }), extractNativeLibs });
  assert.equal(await at(4096), []);
  assert.equal(await at(4), [['error', 'native_library_misaligned']]);
  assert.equal(await at(4, true), []);
});

test('version_name_invalid: the limits of version_name in YAML', async () => {
  for (const versionName of ['1.0\u202e9', '1.0\u2066', '1.0\u061c', '1\u0007', '1\u0085', '1\u2028', '1\n'])
    assert.equal(
      await concernsOf({ versionName }),
      [['error', 'version_name_invalid']],
      JSON.stringify(versionName),
    );
  assert.equal(await concernsOf({ versionName: '1'.repeat(101) }), [['error', 'version_name_invalid']]);
  for (const versionName of ['1'.repeat(100), '😀'.repeat(100), '4.2 – бета ✓ 测试'])
    assert.equal(await concernsOf({ versionName }), [], versionName);
  assert.match(await messageOf({ versionName: '1.0\u202e9' }), /U\+202E/);
  assert.match(await messageOf({ versionName: '1'.repeat(101) }), /101 characters, and 100/);
});

test('target_sdk_low: which Android versions do not install it', async () => {
  assert.match(await messageOf({ targetSdk: 22 }), /Android 14 \(SDK 34\) and newer/);
  assert.match(await messageOf({ targetSdk: 23 }), /Android 15 \(SDK 35\) and newer/);
  assert.equal(await concernsOf({ targetSdk: 23 }), [['warning', 'target_sdk_low']]);
  assert.equal(await concernsOf({ targetSdk: 24 }), []);
});

test('debuggable is a warning and refuses nothing', async () => {
  assert.equal(await concernsOf({ debuggable: true }), [['warning', 'debuggable']]);
  const { concerns } = await factsOf(makeApk({ versionCode: 1, key, debuggable: true }));
  assert.is(obstacle(concerns), undefined);
});

test('an APK with several obstacles names each of them, and each has a hint', async () => {
  const apk = makeApk({
    versionCode: 1,
    key,
    testOnly: true,
    extractNativeLibs: false,
    splitsRequired: 'manifest',
    files: [
      { name: 'resources.arsc', content: BYTES },
      { name: LIBRARY, content: BYTES },
    ],
  });
  const { concerns } = await factsOf(apk);
  assert.equal(
    concerns.map(c => c.code),
    ['test_only', 'splits_required', 'resources_compressed', 'native_library_compressed'],
  );
  assert.is(obstacle(concerns)?.code, 'test_only');
  for (const { code } of concerns) assert.ok(HINTS[code].length > 10);
});

test('a flag that refers to a resource refuses nothing', async () => {
  const { readManifest } = await import('../../controller/apk/manifest.ts');
  const { manifestOf } = await import('../support/apk/make-apk.ts');
  const { androidAttribute, buildBinaryXml } = await import('../support/apk/manifest.ts');
  const root = manifestOf({ versionCode: 1 });
  const reference = { type: 0x01, data: 0x7f040001 };
  for (const element of root.children ?? [])
    if (element.name === 'application')
      element.attributes = (['testOnly', 'extractNativeLibs', 'isSplitRequired'] as const).map(name =>
        androidAttribute(name, reference),
      );
  root.attributes?.push(androidAttribute('requiredSplitTypes', reference));
  const result = readManifest(buildBinaryXml(root));
  assert.equal('flags' in result && result.flags, {
    testOnly: false,
    splitsRequired: false,
    extractNativeLibs: true,
  });
});

test.run();
