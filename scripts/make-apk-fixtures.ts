/**
 * Makes missing files under test/fixtures/apk: our own keys, and APKs that are built and signed with Android's tools
 * instead of our signer (Debian: aapt apksigner zipalign android-framework-res).
 * The keys are test data: anyone can sign with them, so nothing real may trust them.
 * Run: node --import tsx scripts/make-apk-fixtures.ts
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bufferReader } from '../controller/apk/byte-reader.ts';
import { Rejection } from '../controller/apk/rejection.ts';
import { readSigningBlock } from '../controller/apk/signing-block.ts';
import { findZipLayout } from '../controller/apk/zip-layout.ts';
import { type KeyAlgorithm, makeKey, type TestKeyName, testKey, toPem } from '../test/support/apk/keys.ts';
import { BLOCK_IDS, signingBlock } from '../test/support/apk/sign.ts';
import { joinZip } from '../test/support/apk/zip.ts';

const KEYS: Record<TestKeyName, KeyAlgorithm> = {
  release: 'ec-p256',
  'release-next': 'ec-p256',
  'release-third': 'ec-p256',
  stranger: 'ec-p256',
  'rsa-2048': 'rsa-2048',
  'rsa-4096': 'rsa-4096',
  'ec-p384': 'ec-p384',
  'dsa-2048': 'dsa-2048',
};

interface Fixture {
  /** Which compiler writes the binary manifest: they differ in string encoding and attribute order. */
  compiler: 'aapt' | 'aapt2';
  minSdk: number;
  targetSdk?: number;
  /** Attributes of `<manifest>` beside versionCode 7. */
  manifest?: string;
  application?: string;
  /** Which schemes to sign with; none leaves the APK unsigned. */
  schemes: readonly (1 | 2 | 3)[];
  /** One key, or several that Android takes as a set. */
  keys?: readonly TestKeyName[];
  /** From oldest to newest; with v3 the newest signs, with v1 and v2 the oldest. */
  rotation?: readonly TestKeyName[];
  rotationFlags?: readonly string[];
  verity?: boolean;
  /**
   * Moves the v3 signer of a second signing, with this rotation and only for SDK 33 and up, into a
   * v3.1 pair: every signature is apksigner's, whose Debian version cannot place it there itself.
   */
  v31Rotation?: readonly TestKeyName[];
}

const FIXTURES: Record<string, Fixture> = {
  'v2-rsa-2048': { compiler: 'aapt', minSdk: 24, schemes: [2], keys: ['rsa-2048'] },
  'v2-ec-p256': { compiler: 'aapt2', minSdk: 26, schemes: [2], keys: ['release'] },
  'v2-dsa-2048': { compiler: 'aapt2', minSdk: 26, schemes: [2], keys: ['dsa-2048'] },
  'v2-two-signers': { compiler: 'aapt2', minSdk: 26, schemes: [2], keys: ['release', 'rsa-2048'] },
  'v1-v2-rsa-2048': { compiler: 'aapt', minSdk: 21, schemes: [1, 2], keys: ['rsa-2048'] },
  'v2-verity-rsa-2048': { compiler: 'aapt2', minSdk: 26, schemes: [2], keys: ['rsa-2048'], verity: true },
  'v3-ec-p384': { compiler: 'aapt2', minSdk: 28, schemes: [3], keys: ['ec-p384'] },
  'v2-v3-rsa-4096': { compiler: 'aapt', minSdk: 26, schemes: [2, 3], keys: ['rsa-4096'] },
  'v1-v2-v3-ec-p256': { compiler: 'aapt2', minSdk: 21, schemes: [1, 2, 3], keys: ['release'] },
  'v3-verity-ec-p256': { compiler: 'aapt2', minSdk: 28, schemes: [3], keys: ['release'], verity: true },
  'v3-rotated-once': { compiler: 'aapt2', minSdk: 28, schemes: [3], rotation: ['release', 'release-next'] },
  'v2-v3-rotated-twice': {
    compiler: 'aapt',
    minSdk: 24,
    schemes: [2, 3],
    rotation: ['rsa-2048', 'ec-p384', 'release'],
  },
  'v3-rotated-rollback': {
    compiler: 'aapt2',
    minSdk: 28,
    schemes: [3],
    rotation: ['dsa-2048', 'release'],
    rotationFlags: ['--set-rollback', 'true', '--set-auth', 'false'],
  },
  'v2-v3-v31-rotated': {
    compiler: 'aapt2',
    minSdk: 26,
    schemes: [2, 3],
    keys: ['release'],
    v31Rotation: ['release', 'release-next'],
  },
  'v3-v31-rotated-rsa': {
    compiler: 'aapt',
    minSdk: 28,
    schemes: [3],
    keys: ['rsa-2048'],
    v31Rotation: ['rsa-2048', 'rsa-4096'],
  },
  'v1-only': { compiler: 'aapt', minSdk: 24, targetSdk: 29, schemes: [1], keys: ['rsa-2048'] },
  unsigned: { compiler: 'aapt2', minSdk: 26, schemes: [] },
  debuggable: {
    compiler: 'aapt2',
    minSdk: 26,
    schemes: [2, 3],
    keys: ['release'],
    application: 'android:debuggable="true"',
  },
  'version-name-reference': {
    compiler: 'aapt2',
    minSdk: 26,
    schemes: [2],
    keys: ['release'],
    manifest: 'android:versionName="@android:string/ok"',
  },
  'version-code-major': {
    compiler: 'aapt2',
    minSdk: 26,
    schemes: [2],
    keys: ['release'],
    manifest: 'android:versionName="7.1" android:versionCodeMajor="1"',
  },
};

const FRAMEWORK = '/usr/share/android-framework-res/framework-res.apk';
const folder = fileURLToPath(new URL('../test/fixtures/apk/', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'apk-fixtures-'));
try {
  makeKeys();
  for (const [name, fixture] of Object.entries(FIXTURES)) {
    const target = join(folder, `${name}.apk`);
    if (!existsSync(target)) await makeFixture(fixture, target);
  }
} finally {
  rmSync(work, { recursive: true });
}

function makeKeys(): void {
  mkdirSync(join(folder, 'keys'), { recursive: true });
  for (const [name, algorithm] of Object.entries(KEYS)) {
    const file = join(folder, 'keys', `${name}.pem`);
    if (!existsSync(file)) writeFileSync(file, toPem(makeKey(algorithm, `OTA test key ${name}`)));
  }
}

async function makeFixture(fixture: Fixture, target: string): Promise<void> {
  const manifest = join(work, 'AndroidManifest.xml');
  const raw = join(work, 'raw.apk');
  writeFileSync(manifest, manifestXml(fixture));
  if (fixture.compiler === 'aapt2')
    run('aapt2', ['link', '-o', raw, '-I', FRAMEWORK, '--manifest', manifest]);
  else run('aapt', ['package', '-f', '-F', raw, '-I', FRAMEWORK, '-M', manifest]);
  if (fixture.schemes.length === 0) {
    run('zipalign', ['-f', '4', raw, target]);
    return;
  }
  const aligned = join(work, 'aligned.apk');
  run('zipalign', ['-f', '4', raw, aligned]);
  sign(signingArguments(fixture), aligned, target);
  if (fixture.v31Rotation === undefined) return;
  const rotated = join(work, 'rotated.apk');
  const rotation: Fixture = { ...fixture, schemes: [3], rotation: fixture.v31Rotation };
  sign([...signingArguments(rotation), '--min-sdk-version', '33'], aligned, rotated);
  await moveToV31(rotated, target);
}

function sign(args: readonly string[], from: string, to: string): void {
  run('apksigner', ['sign', ...args, '--v4-signing-enabled', 'false', '--in', from, '--out', to]);
}

/** The signing block is the only part of an APK that no signature covers, so signers can move. */
async function moveToV31(from: string, to: string): Promise<void> {
  const [source, target] = [readFileSync(from), readFileSync(to)];
  const [rotated, kept] = [await blockOf(source), await blockOf(target)];
  const pairs = [...kept.pairs]
    .map(([id, value]) => ({ id, value }))
    .filter(({ id }) => id !== BLOCK_IDS.padding);
  pairs.push({ id: BLOCK_IDS.v31, value: rotated.pairs.get(BLOCK_IDS.v3) ?? Buffer.alloc(0) });
  const end = Buffer.from(target.subarray(kept.layout.endOffset));
  const directory = target.subarray(kept.layout.directoryOffset, kept.layout.endOffset);
  writeFileSync(
    to,
    joinZip({ entries: target.subarray(0, kept.offset), directory, end }, signingBlock(pairs, true)),
  );
}

async function blockOf(apk: Buffer) {
  const reader = bufferReader(apk);
  const layout = await findZipLayout(reader);
  if (layout instanceof Rejection) throw new Error(layout.message);
  const block = await readSigningBlock(reader, layout);
  if (block === undefined || block instanceof Rejection) throw new Error('there is no signing block');
  return { ...block, layout };
}

function manifestXml(fixture: Fixture): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.nexmdm.agent"
    android:versionCode="7" ${fixture.manifest ?? 'android:versionName="7.1"'}>
  <uses-sdk android:minSdkVersion="${fixture.minSdk}" android:targetSdkVersion="${fixture.targetSdk ?? 33}"/>
  <uses-permission android:name="android.permission.INTERNET"/>
  <application ${fixture.application ?? ''} android:hasCode="false" android:label="Agent ✓"/>
</manifest>
`;
}

function signingArguments(fixture: Fixture): string[] {
  const schemes = ([1, 2, 3] as const).flatMap(scheme => [
    `--v${scheme}-signing-enabled`,
    String(fixture.schemes.includes(scheme)),
  ]);
  if (fixture.verity === true) schemes.push('--verity-enabled');
  const { rotation } = fixture;
  if (rotation === undefined) return [...schemes, ...signers(fixture.keys ?? [])];
  const lineage = makeLineage(rotation, fixture.rotationFlags ?? []);
  const [oldest, newest] = [rotation[0], rotation.at(-1)];
  const keys = fixture.schemes.includes(2) ? [oldest, newest] : [newest];
  return [...schemes, '--lineage', lineage, ...signers(keys.filter(key => key !== undefined))];
}

function signers(keys: readonly TestKeyName[]): string[] {
  return keys.flatMap((key, index) => [...(index > 0 ? ['--next-signer'] : []), ...keyArguments(key)]);
}

function makeLineage(rotation: readonly TestKeyName[], flags: readonly string[]): string {
  let lineage: string | undefined;
  for (const [index, newer] of rotation.entries()) {
    const older = rotation[index - 1];
    if (older === undefined) continue;
    const next = join(work, `lineage-${index}`);
    run('apksigner', [
      'rotate',
      ...(lineage === undefined ? [] : ['--in', lineage]),
      '--out',
      next,
      '--old-signer',
      ...keyArguments(older),
      ...flags,
      '--new-signer',
      ...keyArguments(newer),
    ]);
    lineage = next;
  }
  if (lineage === undefined) throw new Error('a rotation needs two keys');
  return lineage;
}

/** apksigner reads DER alone. */
function keyArguments(name: TestKeyName): string[] {
  const { privateKey, certificate } = testKey(name);
  const [key, cert] = [join(work, `${name}.pk8`), join(work, `${name}.der`)];
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'der' }));
  writeFileSync(cert, certificate);
  return ['--key', key, '--cert', cert];
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
