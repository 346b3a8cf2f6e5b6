/** The binary manifest: what is read, and what no build can be made of. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApkRejectionCode } from '../../controller/apk/index.ts';
import { type ManifestFacts, readManifest } from '../../controller/apk/manifest.ts';
import { Rejection } from '../../controller/apk/rejection.ts';
import { manifestOf } from '../support/apk/make-apk.ts';
import {
  androidAttribute,
  buildBinaryXml,
  type ManifestAttribute,
  type ManifestElement,
} from '../support/apk/manifest.ts';
import { withLimits } from '../support/apk/work.ts';

const usual = manifestOf({ versionCode: 42, versionName: '4.2.0', minSdk: 26, targetSdk: 34 });
const REFERENCE = { type: 0x01, data: 0x7f040001 };

/** The usual manifest with attributes of one element replaced, added, or (undefined) left out. */
function edited(
  element: 'manifest' | 'uses-sdk' | 'application',
  changes: Record<string, ManifestAttribute | undefined>,
): ManifestElement {
  const edit = (node: ManifestElement): ManifestElement => {
    const children = (node.children ?? []).map(edit);
    if (node.name !== element) return { ...node, children };
    const kept = (node.attributes ?? []).filter(attribute => !(attribute.name in changes));
    const added = Object.values(changes).filter(attribute => attribute !== undefined);
    return { ...node, attributes: [...kept, ...added], children };
  };
  return edit(usual);
}

function read(root: ManifestElement, encoding?: 'utf8' | 'utf16'): ManifestFacts | ApkRejectionCode {
  const facts = readManifest(buildBinaryXml(root, encoding));
  return facts instanceof Rejection ? facts.code : facts.facts;
}

const FACTS: ManifestFacts = {
  package: 'com.nexmdm.agent',
  versionCode: 42,
  versionName: '4.2.0',
  minSdk: 26,
  targetSdk: 34,
  debuggable: false,
};

test('both string encodings are read', () => {
  assert.equal(read(usual, 'utf8'), FACTS);
  assert.equal(read(usual, 'utf16'), FACTS);
});

test('strings of any length and script survive', () => {
  for (const versionName of ['ü', '4.2 – beta ✓ 测试', 'x'.repeat(127), 'x'.repeat(128), 'é'.repeat(200)]) {
    for (const encoding of ['utf8', 'utf16'] as const) {
      const root = edited('manifest', {
        versionName: androidAttribute('versionName', { string: versionName }),
      });
      assert.equal(read(root, encoding), { ...FACTS, versionName });
    }
  }
});

test('what is left out has the default Android gives it', () => {
  const without = (name: string) => ({
    ...usual,
    children: (usual.children ?? []).filter(child => child.name !== name),
  });
  assert.equal(read(without('uses-sdk')), { ...FACTS, minSdk: 1, targetSdk: 1 });
  assert.equal(read(without('application')), FACTS);
  assert.equal(read(edited('uses-sdk', { targetSdkVersion: undefined })), { ...FACTS, targetSdk: 26 });
});

test('debuggable is read from the application', () => {
  const set = (value: boolean) =>
    edited('application', { debuggable: androidAttribute('debuggable', { boolean: value }) });
  assert.equal(read(set(true)), { ...FACTS, debuggable: true });
  assert.equal(read(set(false)), FACTS);
});

test('deeper and unknown elements do not matter', () => {
  const deep = {
    name: 'application',
    children: [{ name: 'uses-sdk', attributes: [androidAttribute('minSdkVersion', { int: 99 })] }],
  };
  const children = [
    ...(usual.children ?? []).filter(child => child.name !== 'application'),
    deep,
    { name: 'queries' },
  ];
  assert.equal(read({ ...usual, children }), FACTS);
});

const REJECTED: [code: ApkRejectionCode, what: string, root: ManifestElement][] = [
  ['manifest_malformed', 'another root', { ...usual, name: 'resources' }],
  [
    'manifest_malformed',
    'uses-sdk twice',
    { ...usual, children: [...(usual.children ?? []), { name: 'uses-sdk' }] },
  ],
  [
    'manifest_malformed',
    'application twice',
    { ...usual, children: [...(usual.children ?? []), { name: 'application' }] },
  ],
  [
    'manifest_malformed',
    'versionCode twice',
    { ...usual, attributes: [...(usual.attributes ?? []), androidAttribute('versionCode', { int: 43 })] },
  ],
  [
    'manifest_malformed',
    'package twice',
    {
      ...usual,
      attributes: [...(usual.attributes ?? []), { name: 'package', value: { string: 'com.other' } }],
    },
  ],
  [
    'manifest_malformed',
    'versionCode as text',
    edited('manifest', { versionCode: androidAttribute('versionCode', { string: '42' }) }),
  ],
  ['package_invalid', 'no package', edited('manifest', { package: undefined })],
  [
    'package_invalid',
    'a package of one word',
    edited('manifest', { package: { name: 'package', value: { string: 'agent' } } }),
  ],
  [
    'package_invalid',
    'a package that is a path',
    edited('manifest', { package: { name: 'package', value: { string: '../../etc' } } }),
  ],
  [
    'package_invalid',
    'a package as a number',
    edited('manifest', { package: { name: 'package', value: { int: 7 } } }),
  ],
  [
    'package_invalid',
    'an endless package',
    edited('manifest', { package: { name: 'package', value: { string: `com.${'a'.repeat(300)}` } } }),
  ],
  [
    'split_apk',
    'a split',
    edited('manifest', { split: { name: 'split', value: { string: 'config.arm64_v8a' } } }),
  ],
  ['version_code_invalid', 'no versionCode', edited('manifest', { versionCode: undefined })],
  [
    'version_code_invalid',
    'versionCode 0',
    edited('manifest', { versionCode: androidAttribute('versionCode', { int: 0 }) }),
  ],
  [
    'version_code_invalid',
    'a negative versionCode',
    edited('manifest', { versionCode: androidAttribute('versionCode', { int: 0x80000000 }) }),
  ],
  [
    'version_code_major',
    'versionCodeMajor',
    edited('manifest', { versionCodeMajor: androidAttribute('versionCodeMajor', { int: 1 }) }),
  ],
  ['version_name_missing', 'no versionName', edited('manifest', { versionName: undefined })],
  [
    'version_name_missing',
    'an empty versionName',
    edited('manifest', { versionName: androidAttribute('versionName', { string: '' }) }),
  ],
  [
    'version_name_missing',
    'an endless versionName',
    edited('manifest', { versionName: androidAttribute('versionName', { string: '1'.repeat(257) }) }),
  ],
  [
    'sdk_codename',
    'a preview as minSdkVersion',
    edited('uses-sdk', { minSdkVersion: androidAttribute('minSdkVersion', { string: 'Baklava' }) }),
  ],
  [
    'sdk_codename',
    'a preview as targetSdkVersion',
    edited('uses-sdk', { targetSdkVersion: androidAttribute('targetSdkVersion', { string: 'Baklava' }) }),
  ],
  [
    'manifest_reference',
    'versionCode',
    edited('manifest', { versionCode: androidAttribute('versionCode', REFERENCE) }),
  ],
  [
    'manifest_reference',
    'versionName',
    edited('manifest', { versionName: androidAttribute('versionName', REFERENCE) }),
  ],
  [
    'manifest_reference',
    'minSdkVersion',
    edited('uses-sdk', { minSdkVersion: androidAttribute('minSdkVersion', REFERENCE) }),
  ],
  [
    'manifest_reference',
    'debuggable',
    edited('application', { debuggable: androidAttribute('debuggable', { type: 0x07, data: 1 }) }),
  ],
];

for (const [code, what, root] of REJECTED) {
  test(`${code}: ${what}`, () => assert.equal(read(root), code));
}

test('versionCodeMajor 0 and a numeric versionName mean what they say', () => {
  assert.equal(
    read(edited('manifest', { versionCodeMajor: androidAttribute('versionCodeMajor', { int: 0 }) })),
    FACTS,
  );
  assert.equal(read(edited('manifest', { versionName: androidAttribute('versionName', { int: 7 }) })), {
    ...FACTS,
    versionName: '7',
  });
});

test('every cut of a manifest is refused', () => {
  const bytes = buildBinaryXml(usual);
  for (let length = 0; length < bytes.length; length += 1) {
    assert.ok(readManifest(bytes.subarray(0, length)) instanceof Rejection, `${length} bytes`);
  }
});

test('an extreme value in any field of a manifest makes no reading of it expensive', async () => {
  const bytes = buildBinaryXml(usual);
  const limits = { fields: 500, textBytes: 5_000, signatures: 0, certificates: 0, inflatedBytes: 0 };
  for (let at = 0; at + 4 <= bytes.length; at += 1) {
    for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const mutant = Buffer.from(bytes);
      mutant.writeUInt32LE(value, at);
      await withLimits(limits, () => readManifest(mutant));
    }
  }
});

test('a raw text that differs from the typed value is refused: Android reads some by one, some by the other', () => {
  const bytes = buildBinaryXml(usual);
  const text = Buffer.from('com.nexmdm.agent');
  assert.ok(bytes.includes(text));
  // The package attribute: no namespace, size 8, type string; its raw index stands four bytes after the name.
  const attribute = lastIndexOfPackage(bytes);
  const mutant = Buffer.from(bytes);
  mutant.writeUInt32LE(0, attribute + 8);
  const result = readManifest(mutant);
  assert.is(result instanceof Rejection ? result.code : 'accepted', 'package_invalid');
});

/** Offset of the only attribute without a namespace. */
function lastIndexOfPackage(bytes: Buffer): number {
  for (let at = bytes.length - 20; at > 0; at -= 4) {
    const isPlain = bytes.readUInt32LE(at) === 0xffffffff && bytes.readUInt32LE(at + 12) === 0x03000008;
    if (isPlain) return at;
  }
  throw new Error('there is no such attribute');
}

test.run();
