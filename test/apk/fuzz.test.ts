/** At least 100,000 hostile files: each gets a verdict with bounded work, and no verdict is wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HINTS } from '../../controller/apk/index.ts';
import { readManifest } from '../../controller/apk/manifest.ts';
import { Rejection } from '../../controller/apk/rejection.ts';
import { factsOf, makeApk, signZip, testKey, unsignedApk, verdictOf } from '../support/apk/index.ts';
import { manifestOf } from '../support/apk/make-apk.ts';
import { buildBinaryXml } from '../support/apk/manifest.ts';
import { type Work, withLimits } from '../support/apk/work.ts';
import { joinZip } from '../support/apk/zip.ts';

const key = testKey('release');
const archive = unsignedApk({ versionCode: 1, minSdk: 28 });
const LINEAGE = [{ key }];
const SOUND = [
  signZip(archive, { v2: [{ key }], aligned: false }),
  signZip(archive, { v3: [{ key: testKey('release-next'), lineage: LINEAGE }], aligned: false }),
];
const RANDOM_SEED = 20261201;
/** No single verdict may cost more; the largest of them has some 10 KB. */
const LIMITS: Work = {
  fields: 5_000,
  textBytes: 20_000,
  signatures: 10,
  certificates: 70,
  inflatedBytes: 4 * 1024 * 1024,
};

let mutants = 0;
const seen = new Map<string, number>();

test('bytes changed anywhere', async () => {
  const random = generator(RANDOM_SEED);
  await tryAll(45_000, sound => {
    const mutant = Buffer.from(sound);
    for (let edits = 1 + random(4); edits > 0; edits -= 1)
      mutant.writeUInt8(random(256), random(mutant.length));
    return mutant;
  });
});

test('lengths and offsets replaced by extreme ones', async () => {
  const random = generator(RANDOM_SEED + 1);
  const extremes = [0, 1, 3, 4, 0x7f, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
  await tryAll(25_000, sound => {
    const mutant = Buffer.from(sound);
    const at = random(mutant.length - 8);
    mutant.writeUInt32LE(extremes[random(extremes.length)] ?? 0, at);
    if (random(3) === 0) mutant.writeUInt32LE(extremes[random(extremes.length)] ?? 0, at + 4);
    return mutant;
  });
});

test('files cut, doubled, and spliced into one another', async () => {
  const random = generator(RANDOM_SEED + 2);
  await tryAll(10_000, (sound, other) => {
    const [a, b] = [random(sound.length), random(other.length)];
    const pieces = [sound.subarray(0, a), other.subarray(b), ...(random(2) === 0 ? [sound.subarray(a)] : [])];
    return Buffer.concat(pieces);
  });
});

test('manifests of every kind of damage in an otherwise sound archive', async () => {
  const random = generator(RANDOM_SEED + 3);
  const manifest = buildBinaryXml(manifestOf({ versionCode: 1, minSdk: 28 }));
  for (let count = 0; count < 30_000; count += 1) {
    const mutant = Buffer.from(manifest);
    for (let edits = 1 + random(3); edits > 0; edits -= 1) {
      if (random(2) === 0) mutant.writeUInt8(random(256), random(mutant.length));
      else mutant.writeUInt16LE([0, 1, 0xffff, 0x8000][random(4)] ?? 0, random(mutant.length - 1));
    }
    const { result } = await withLimits(LIMITS, () => readManifest(mutant));
    record(result instanceof Rejection ? result.code : 'accepted');
    if (result instanceof Rejection) continue;
    assert.ok(result.facts.versionCode >= 1 && result.facts.package.includes('.'));
  }
});

test('random bytes, alone and dressed as an archive', async () => {
  const random = generator(RANDOM_SEED + 4);
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));
  for (let count = 0; count < 5_000; count += 1) {
    const bytes = noise(random(200));
    record(await codeWithin(bytes));
    record(await codeWithin(joinZip(archive, Buffer.concat([bytes, Buffer.from('APK Sig Block 42')]))));
  }
});

test('an APK inside an APK inside an APK is one APK', async () => {
  let nested = makeApk({ versionCode: 1, key });
  for (let depth = 2; depth <= 4; depth += 1) {
    nested = makeApk({
      versionCode: depth,
      key,
      files: [{ name: 'inner.apk', content: nested, stored: true }],
    });
    assert.is((await factsOf(nested)).versionCode, depth);
  }
});

test('at least 100,000 mutants were tried, and they reached deep', () => {
  assert.ok(mutants >= 100_000, `${mutants} mutants`);
  for (const code of [
    'signature_invalid',
    'content_digest_mismatch',
    'signing_block_malformed',
    'signer_malformed',
    'manifest_malformed',
  ]) {
    assert.ok((seen.get(code) ?? 0) > 100, `${code}: ${seen.get(code)}`);
  }
});

async function tryAll(count: number, mutate: (sound: Buffer, other: Buffer) => Buffer): Promise<void> {
  const facts = await Promise.all(SOUND.map(sound => factsOf(sound)));
  for (let index = 0; index < count; index += 1) {
    const which = index % SOUND.length;
    const [sound, other] = [SOUND[which], SOUND[(which + 1) % SOUND.length]];
    if (sound === undefined || other === undefined) return;
    const mutant = mutate(sound, other);
    const { result: verdict } = await withLimits(LIMITS, () => verdictOf(mutant));
    record(verdict.ok ? 'accepted' : verdict.code);
    if (!verdict.ok) continue;
    // Only bytes that no signature covers can have changed, or none at all.
    const expected = facts.find(known => known.signers[0]?.scheme === verdict.facts.schemes[0]);
    const { sha256: _, ...actual } = verdict.facts;
    const { sha256: __, ...wanted } = expected ?? verdict.facts;
    assert.equal(actual, wanted, `mutant ${index} was accepted as something else`);
  }
}

async function codeWithin(bytes: Buffer): Promise<string> {
  const { result: verdict } = await withLimits(LIMITS, () => verdictOf(bytes));
  assert.not.ok(verdict.ok);
  return verdict.ok ? 'accepted' : verdict.code;
}

function record(code: string): void {
  assert.ok(code === 'accepted' || code in HINTS, `unknown code ${code}`);
  mutants += 1;
  seen.set(code, (seen.get(code) ?? 0) + 1);
}

/** xorshift32: the same mutants in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test.run();
