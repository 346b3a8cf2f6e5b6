/** The archive around the signatures: end record, central directory, signing block, v1's files. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ByteReader } from '../../controller/apk/index.ts';
import { verifyApk } from '../../controller/apk/index.ts';
import { u16, u32, u64 } from '../support/apk/bytes.ts';
import {
  codeOf,
  factsOf,
  fixtureApk,
  signZip,
  testKey,
  unsignedApk,
  verdictOf,
} from '../support/apk/index.ts';
import { BLOCK_IDS, signingBlock } from '../support/apk/sign.ts';
import { buildZip, joinZip, type ZipParts } from '../support/apk/zip.ts';

const key = testKey('release');
const parts = unsignedApk({ versionCode: 1, minSdk: 28 });
const signed = signZip(parts, { v3: [{ key }] });
const END_SIZE = 22;

test('not_a_zip: nothing, noise, and a file cut short', async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(21),
    Buffer.alloc(22),
    Buffer.from('<html>404</html>'),
    signed.subarray(0, -1),
    signed.subarray(0, 5000),
  ]) {
    assert.is(await codeOf(bytes), 'not_a_zip', `${bytes.length} bytes`);
  }
  assert.is(await codeOf(Buffer.concat([signed, Buffer.from('x')])), 'not_a_zip', 'a byte after the end');
});

test('a comment may take up to 65,535 bytes, and is signed', async () => {
  for (const length of [1, 3000, 65535]) {
    const apk = signZip(withComment(parts, Buffer.alloc(length, 0x2e)), { v3: [{ key }] });
    assert.is(await codeOf(apk), 'accepted');
    apk.writeUInt8(0x2f, apk.length - 1);
    assert.is(await codeOf(apk), 'content_digest_mismatch');
  }
});

test('not_a_zip: an end record inside the comment could mean another archive', async () => {
  const inner = Buffer.concat([u32(0x06054b50), Buffer.alloc(40)]);
  assert.is(await codeOf(signZip(withComment(parts, inner), { v3: [{ key }] })), 'not_a_zip');
});

test('zip64_unsupported', async () => {
  const directory = Buffer.concat([parts.directory, u32(0x07064b50), Buffer.alloc(16)]);
  const end = Buffer.from(parts.end);
  end.writeUInt32LE(directory.length, 12);
  assert.is(await codeOf(signZip({ ...parts, directory, end }, { v3: [{ key }] })), 'zip64_unsupported');
});

test('a locator counts wherever it lies, even as the very first bytes of a file', async () => {
  const end = Buffer.alloc(END_SIZE);
  end.writeUInt32LE(0x06054b50, 0);
  const locator = Buffer.concat([u32(0x07064b50), Buffer.alloc(16)]);
  assert.is(await codeOf(Buffer.concat([locator, end])), 'zip64_unsupported');
});

test('zip_directory_misplaced: nothing may be between directory and end record', async () => {
  const gap = { ...parts, directory: Buffer.concat([parts.directory, Buffer.alloc(4)]) };
  assert.is(await codeOf(joinZip(gap)), 'zip_directory_misplaced');
  for (const [size, offset] of [
    [0xffffffff, 0xffffffff],
    [0, 0],
    [1 << 30, 0],
    [0, 1 << 30],
  ] as const) {
    const apk = Buffer.from(signed);
    apk.writeUInt32LE(size, apk.length - END_SIZE + 12);
    apk.writeUInt32LE(offset, apk.length - END_SIZE + 16);
    assert.is(await codeOf(apk), 'zip_directory_misplaced');
  }
});

test('zip_malformed: entries and their count must fill the directory', async () => {
  for (const count of [0, 2, 0xffff]) {
    const end = Buffer.from(parts.end);
    end.writeUInt16LE(count, 10);
    assert.is(await codeOf(signZip({ ...parts, end }, { v3: [{ key }] })), 'zip_malformed');
  }
  for (const at of [0, 28, 30, 32]) {
    const directory = Buffer.from(parts.directory);
    directory.writeUInt16LE(0xfff0, at);
    assert.is(await codeOf(signZip({ ...parts, directory }, { v3: [{ key }] })), 'zip_malformed');
  }
});

test('a message names the entry of the directory that it is about', async () => {
  const zip = unsignedApk({ versionCode: 1, files: [{ name: 'second', content: Buffer.from('x') }] });
  const message = async (at: number, value: number): Promise<string> => {
    const directory = Buffer.from(zip.directory);
    directory.writeUInt16LE(value, directory.length - 46 - 'second'.length + at);
    const verdict = await verdictOf(signZip({ ...zip, directory }, { v3: [{ key }] }));
    return verdict.ok ? 'accepted' : verdict.message;
  };
  assert.is(await message(0, 0), 'entry 2 of the central directory is malformed');
  assert.is(await message(28, 0xfff0), 'entry 2 runs past the end of the central directory');
});

test('an entry of the directory may have extra fields and a comment', async () => {
  const insert = (directory: Buffer, extra: number, comment: number): Buffer => {
    const name = directory.readUInt16LE(28);
    const first = Buffer.concat([
      directory.subarray(0, 46 + name),
      Buffer.alloc(extra + comment),
      directory.subarray(46 + name),
    ]);
    first.writeUInt16LE(extra, 30);
    first.writeUInt16LE(comment, 32);
    return first;
  };
  const zip = unsignedApk({ versionCode: 1, minSdk: 28, files: [{ name: 'b', content: Buffer.from('b') }] });
  for (const [extra, comment] of [
    [4, 0],
    [0, 3],
    [4, 3],
  ] as const) {
    const directory = insert(zip.directory, extra, comment);
    const end = Buffer.from(zip.end);
    end.writeUInt32LE(directory.length, 12);
    assert.is(await codeOf(signZip({ ...zip, directory, end }, { v3: [{ key }] })), 'accepted');
  }
});

test('zip_duplicate_entry: which of two counts would be up to the reader', async () => {
  const twice = buildZip([
    { name: 'AndroidManifest.xml', content: Buffer.from('one') },
    { name: 'AndroidManifest.xml', content: Buffer.from('two') },
  ]);
  assert.is(await codeOf(signZip(twice, { v3: [{ key }] })), 'zip_duplicate_entry');
});

test('zip_directory_too_large and file_too_large are reported before anything large is read', async () => {
  const gigabyte = 2 ** 30;
  const large = sparse(
    gigabyte + END_SIZE,
    Buffer.concat([u32(0x06054b50), u16(0, 0, 9, 9), u32(gigabyte, 0), u16(0)]),
  );
  assert.is(await readerCode(large), 'zip_directory_too_large');
  assert.ok(large.bytesRead < 100_000, `read ${large.bytesRead} bytes`);
  const huge = sparse(2 ** 33, Buffer.alloc(0));
  assert.is(await readerCode(huge), 'file_too_large');
  assert.is(huge.bytesRead, 0);
});

test('signing_block_malformed: sizes and pairs must fit', async () => {
  const good = signingBlock([{ id: 1, value: Buffer.alloc(8) }], false);
  const sizes = [0, 23, 25, good.length, 2 ** 31, 2 ** 32, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
  for (const size of sizes) {
    const footer = Buffer.from(good);
    u64(size).copy(footer, footer.length - 24);
    assert.is(await codeOf(joinZip(parts, footer)), 'signing_block_malformed', `footer ${size}`);
    const header = Buffer.from(good);
    u64(size).copy(header, 0);
    assert.is(await codeOf(joinZip(parts, header)), 'signing_block_malformed', `header ${size}`);
  }
  for (const length of [0, 3, 13, 2 ** 32, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    const pair = Buffer.from(good);
    u64(length).copy(pair, 8);
    assert.is(await codeOf(joinZip(parts, pair)), 'signing_block_malformed', `pair ${length}`);
  }
});

test('signing_block_malformed: bytes after the last pair, even one', async () => {
  for (const [extra, code] of [
    [0, 'unsigned'],
    [1, 'signing_block_malformed'],
    [7, 'signing_block_malformed'],
  ] as const) {
    const pairs = Buffer.concat([u64(4), u32(1), Buffer.alloc(extra)]);
    const size = u64(pairs.length + 24);
    const block = Buffer.concat([size, pairs, size, Buffer.from('APK Sig Block 42')]);
    assert.is(await codeOf(joinZip(parts, block)), code, `${extra}`);
  }
});

test('signing_block_too_large', async () => {
  const block = signingBlock([{ id: 1, value: Buffer.alloc(8 * 1024 * 1024) }], false);
  assert.is(await codeOf(joinZip(parts, block)), 'signing_block_too_large');
});

test('lengths inside a scheme that claim more than there is', async () => {
  for (const id of [BLOCK_IDS.v2, BLOCK_IDS.v3]) {
    for (const value of [
      Buffer.alloc(0),
      Buffer.alloc(3),
      u32(0xffffffff),
      u32(0x80000000),
      u32(8, 0x7fffffff, 0),
      u32(4, 0),
    ]) {
      assert.is(await codeOf(joinZip(parts, signingBlock([{ id, value }], false))), 'signer_malformed');
    }
  }
});

test('unsigned, v1_only and v2_stripped', async () => {
  assert.is(await codeOf(joinZip(parts)), 'unsigned');
  assert.is(
    await codeOf(joinZip(parts, signingBlock([{ id: 1, value: Buffer.alloc(4) }], false))),
    'unsigned',
  );
  assert.is(await codeOf(jarSigned('X-Other: 2')), 'v1_only');
  assert.is(await codeOf(jarSigned('X-Android-APK-Signed: 2')), 'v2_stripped');
  assert.is(await codeOf(jarSigned('X-Android-APK-Signed: 2, 3')), 'v2_stripped');
  assert.is(await codeOf(stripBlock(fixtureApk('v1-v2-rsa-2048'))), 'v2_stripped', 'as apksigner writes it');
  assert.is(await codeOf(stripBlock(fixtureApk('v2-ec-p256'))), 'unsigned');
  const verdict = await verdictOf(jarSigned('X-Other: 2'));
  assert.match(verdict.ok ? '' : verdict.message, /targetSdkVersion 34 Android itself requires v2/);
});

test('manifest_missing and manifest_malformed', async () => {
  const sign = (zip: ZipParts) => signZip(zip, { v3: [{ key }] });
  assert.is(
    await codeOf(sign(buildZip([{ name: 'classes.dex', content: Buffer.alloc(4) }]))),
    'manifest_missing',
  );
  assert.is(
    await codeOf(sign(buildZip([{ name: 'AndroidManifest.xml', content: Buffer.from('<manifest/>') }]))),
    'manifest_malformed',
  );
  assert.is(
    await codeOf(sign(buildZip([{ name: 'AndroidManifest.xml', content: Buffer.alloc(5 << 20) }]))),
    'manifest_too_large',
  );
  // CRC, method and both sizes in the directory; then the local header's magic and name.
  for (const at of [10, 16, 20, 24, 42]) {
    const directory = Buffer.from(parts.directory);
    directory.writeUInt16LE(directory.readUInt16LE(at) + 1, at);
    assert.is(await codeOf(sign({ ...parts, directory })), 'manifest_malformed', `directory byte ${at}`);
  }
  for (const at of [0, 8, 26, 28, 30]) {
    const entries = Buffer.from(parts.entries);
    entries.writeUInt16LE(entries.readUInt16LE(at) + 1, at);
    assert.is(await codeOf(sign({ ...parts, entries })), 'manifest_malformed', `entry byte ${at}`);
  }
});

test('a manifest that runs past the entries, or past the file, is refused without reading it', async () => {
  for (const size of [parts.entries.length, 3 << 20])
    for (const method of [0, 8]) {
      const [entries, directory] = [Buffer.from(parts.entries), Buffer.from(parts.directory)];
      entries.writeUInt16LE(method, 8);
      directory.writeUInt16LE(method, 10);
      directory.writeUInt32LE(size, 20);
      directory.writeUInt32LE(size, 24);
      const apk = signZip({ ...parts, entries, directory }, { v3: [{ key }] });
      assert.is(await codeOf(apk), 'manifest_malformed', `${size} bytes, method ${method}`);
    }
});

test('a manifest is stored or deflated, and no other method is guessed', async () => {
  const [entries, directory] = [Buffer.from(parts.entries), Buffer.from(parts.directory)];
  entries.writeUInt16LE(9, 8);
  directory.writeUInt16LE(9, 10);
  assert.is(await codeOf(signZip({ ...parts, entries, directory }, { v3: [{ key }] })), 'manifest_malformed');
});

test('a broken signing block is reported first, even if nothing else can be read', async () => {
  const block = signingBlock([{ id: 1, value: Buffer.alloc(8) }], false);
  u64(25).copy(block, 0);
  const directory = Buffer.from(parts.directory);
  directory.writeUInt16LE(0xfff0, 28);
  const apk = joinZip({ ...parts, directory }, block);
  assert.is(await codeOf(apk), 'signing_block_malformed');
  const verdict = await verdictOf(apk);
  assert.equal(verdict.ok ? [] : Object.keys(verdict.partial ?? {}), ['sizeBytes']);
});

test('a deflated manifest that grows beyond its declared size is cut off', async () => {
  const bomb = buildZip([{ name: 'AndroidManifest.xml', content: Buffer.alloc(4 << 20) }]);
  bomb.directory.writeUInt32LE(100, 24);
  assert.is(await codeOf(signZip(bomb, { v3: [{ key }] })), 'manifest_malformed');
});

test('an I/O error is thrown, not turned into a verdict', async () => {
  const failing: ByteReader = { size: 1000, read: () => Promise.reject(new Error('disk on fire')) };
  try {
    await verifyApk(failing);
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), /disk on fire/);
  }
});

test('the whole-file sha256 covers what signatures do not', async () => {
  const padded = Buffer.from(signed);
  const padding = padded.indexOf(Buffer.concat([u32(BLOCK_IDS.padding), Buffer.alloc(8)])) + 8;
  padded.writeUInt8(1, padding);
  const [before, after] = [await factsOf(signed), await factsOf(padded)];
  assert.is.not(before.sha256, after.sha256);
  assert.equal({ ...before, sha256: '' }, { ...after, sha256: '' });
});

function withComment(zip: ZipParts, comment: Buffer): ZipParts {
  const end = Buffer.concat([zip.end, comment]);
  end.writeUInt16LE(comment.length, 20);
  return { ...zip, end };
}

function jarSigned(header: string): Buffer {
  const signatureFile = `Signature-Version: 1.0\r\n${header}\r\nCreated-By: test\r\n\r\n`;
  return joinZip(
    unsignedApk({
      versionCode: 1,
      files: [
        { name: 'META-INF/CERT.SF', content: Buffer.from(signatureFile) },
        { name: 'META-INF/CERT.RSA', content: Buffer.from('pkcs7') },
      ],
    }),
  );
}

/** The same archive without its signing block, as a tool that knows only ZIP would write it. */
function stripBlock(apk: Buffer): Buffer {
  const end = apk.length - END_SIZE;
  const directory = apk.readUInt32LE(end + 16);
  const start = directory - 8 - Number(apk.readBigUInt64LE(directory - 24));
  return joinZip({
    entries: apk.subarray(0, start),
    directory: apk.subarray(directory, end),
    end: apk.subarray(end),
  });
}

/** A file of zeros with something at its end, that counts what is read of it. */
function sparse(size: number, tail: Buffer): ByteReader & { bytesRead: number } {
  const reader = {
    size,
    bytesRead: 0,
    async read(offset: number, length: number) {
      reader.bytesRead += length;
      const bytes = Buffer.alloc(length);
      tail.copy(bytes, Math.max(0, size - tail.length - offset));
      return bytes;
    },
  };
  return reader;
}

async function readerCode(reader: ByteReader): Promise<string> {
  const verdict = await verifyApk(reader);
  return verdict.ok ? 'accepted' : verdict.code;
}

test.run();
