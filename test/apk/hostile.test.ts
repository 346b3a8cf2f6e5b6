/** Files made to be expensive: each must be answered with bounded work, little memory and few reads. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ByteReader, bufferReader, verifyApk } from '../../controller/apk/index.ts';
import { readManifest } from '../../controller/apk/manifest.ts';
import { list, prefixed, u16, u32, u64 } from '../support/apk/bytes.ts';
import { makeKey, signZip, testKey, unsignedApk, verdictOf } from '../support/apk/index.ts';
import { BLOCK_IDS, proofOfRotation, signingBlock } from '../support/apk/sign.ts';
import { type Work, withLimits } from '../support/apk/work.ts';
import { buildZip, joinZip } from '../support/apk/zip.ts';

const MIB = 1024 * 1024;
const key = testKey('release');
const archive = unsignedApk({ versionCode: 1, minSdk: 28 });

/** Any structure may be read once: the cost is linear in the size of the file, with few signature checks. */
const linearIn = (bytes: number): Work => ({
  fields: bytes / 2 + 1000,
  textBytes: bytes + 10_000,
  signatures: 10,
  certificates: 40,
  inflatedBytes: 4 * MIB,
});

/** The code of an APK. Fails when the verdict costs more than the limits. */
async function codeWithin(apk: Buffer, limits: Partial<Work> = {}): Promise<string> {
  const { result } = await withLimits({ ...linearIn(apk.length), ...limits }, () => verdictOf(apk));
  return result.ok ? 'accepted' : result.code;
}

const withPair = (id: number, value: Buffer): Buffer =>
  joinZip(archive, signingBlock([{ id, value }], false));

test('a signing block of 600,000 pairs', async () => {
  const pair = (index: number) => Buffer.concat([u64(4), u32(index)]);
  const pairs = Buffer.concat(Array.from({ length: 600_000 }, (_, index) => pair(index)));
  const size = u64(pairs.length + 24);
  const block = Buffer.concat([size, pairs, size, Buffer.from('APK Sig Block 42')]);
  assert.is(await codeWithin(joinZip(archive, block)), 'unsigned');
});

test('a signer of 500,000 signatures', async () => {
  const records = Buffer.alloc(12 * 500_000);
  for (let at = 0; at < records.length; at += 12) records.writeUInt32LE(8, at);
  const signer = Buffer.concat([prefixed(Buffer.alloc(0)), prefixed(records), prefixed(key.publicKey)]);
  assert.is(await codeWithin(withPair(BLOCK_IDS.v2, list([signer]))), 'signer_malformed');
});

test('a block of 1,800,000 empty signers', async () => {
  assert.is(await codeWithin(withPair(BLOCK_IDS.v2, prefixed(Buffer.alloc(7 * MIB)))), 'signer_malformed');
  assert.is(await codeWithin(withPair(BLOCK_IDS.v3, prefixed(Buffer.alloc(7 * MIB)))), 'signer_malformed');
});

test('as many signers, keys and levels of rotation as are allowed', async () => {
  const keys = Array.from({ length: 32 }, () => ({ key: makeKey() }));
  const newest = keys.at(-1)?.key ?? key;
  const attributes = [{ id: 0x3ba06f8c, value: proofOfRotation(keys) }];
  const signers = Array.from({ length: 10 }, (_, index) => ({
    key: newest,
    attributes,
    minSdk: 28 + index,
    maxSdk: index === 9 ? 0x7fffffff : 28 + index,
  }));
  const apk = signZip(archive, { v3: signers });
  // Each signer has its own signature and certificate, and 31 and 32 in its proof of rotation.
  const limits = { signatures: 10 * 32, certificates: 10 * 33, fields: 10_000 };
  assert.is(await codeWithin(apk, limits), 'accepted');
});

test('a central directory of 65,535 entries', async () => {
  const files = Array.from({ length: 65_535 }, (_, index) => ({
    name: `f${index}`,
    content: Buffer.alloc(0),
    stored: true,
  }));
  assert.is(await codeWithin(joinZip(buildZip(files))), 'manifest_missing');
});

test('a manifest that inflates to far more than it declares', async () => {
  const bomb = buildZip([{ name: 'AndroidManifest.xml', content: Buffer.alloc(192 * MIB) }]);
  bomb.directory.writeUInt32LE(1000, 24);
  assert.is(await codeWithin(joinZip(bomb), { inflatedBytes: 1000 }), 'manifest_malformed');
});

test('a manifest whose strings overlap into gigabytes', async () => {
  // Every index names the same 60 KiB, and there are many attributes to look them up for.
  const count = 200_000;
  const offsets = Buffer.alloc(count * 4);
  const text = Buffer.concat([u16(30_000), Buffer.alloc(60_002, 0x41)]);
  const pool = chunk(0x0001, 28, Buffer.concat([u32(count, 0, 0, 28 + offsets.length, 0), offsets, text]));
  const attribute = Buffer.concat([u32(0xffffffff, 7, 7), u16(8), Buffer.from([0, 3]), u32(7)]);
  const start = (attributes: number) =>
    chunk(
      0x0102,
      16,
      Buffer.concat([
        u32(1, 0xffffffff, 0xffffffff, 7),
        u16(20, 20, attributes, 0, 0, 0),
        ...Array<Buffer>(attributes).fill(attribute),
      ]),
    );
  const manifest = chunk(0x0003, 8, Buffer.concat([pool, start(60_000), start(60_000)]));
  await withLimits(linearIn(manifest.length), () => readManifest(manifest));
});

test('a manifest nested a hundred thousand deep', async () => {
  const pool = chunk(
    0x0001,
    28,
    Buffer.concat([u32(1, 0, 0x100, 32, 0), u32(0), Buffer.from([8, 8]), Buffer.from('manifest\0')]),
  );
  const open = chunk(0x0102, 16, Buffer.concat([u32(1, 0xffffffff, 0xffffffff, 0), u16(20, 20, 0, 0, 0, 0)]));
  const content = chunk(0x0003, 8, Buffer.concat([pool, ...Array<Buffer>(100_000).fill(open)]));
  const apk = joinZip(buildZip([{ name: 'AndroidManifest.xml', content }]));
  assert.is(await codeWithin(apk, { fields: content.length / 4 }), 'manifest_malformed');
});

test('a file of a gigabyte is read once, in pieces', async () => {
  const small = signZip(archive, { v3: [{ key }], aligned: false });
  const size = 2 ** 30;
  // A gigabyte of zeros in front: offsets no longer fit, so it is refused without reading them.
  const reads: number[] = [];
  const reader: ByteReader = {
    size,
    async read(offset, length) {
      reads.push(length);
      const bytes = Buffer.alloc(length);
      small.copy(bytes, Math.max(0, size - small.length - offset));
      return bytes;
    },
  };
  const verdict = await verifyApk(reader);
  assert.is(verdict.ok ? 'accepted' : verdict.code, 'zip_directory_misplaced');
  assert.ok(Math.max(...reads) < 70_000);
});

test('no read is larger than the largest structure', async () => {
  const apk = signZip(unsignedApk({ versionCode: 1, minSdk: 28, sizeBytes: 5 * MIB }), { v3: [{ key }] });
  const inner = bufferReader(apk);
  const reads: number[] = [];
  const verdict = await verifyApk({
    size: inner.size,
    read(offset, length) {
      reads.push(length);
      return inner.read(offset, length);
    },
  });
  assert.ok(verdict.ok);
  assert.ok(Math.max(...reads) <= MIB);
  assert.ok(
    reads.reduce((sum, length) => sum + length, 0) < apk.length + MIB / 4,
    'the content is read once',
  );
});

function chunk(type: number, headerSize: number, body: Buffer): Buffer {
  return Buffer.concat([u16(type, headerSize), u32(8 + body.length), body]);
}

test.run();
