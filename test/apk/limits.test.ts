/** Every limit from both of its sides: what is just within it is read, what is just beyond it is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bufferReader, capabilityNames, verifyApk } from '../../controller/apk/index.ts';
import { list, u16, u32 } from '../support/apk/bytes.ts';
import {
  codeOf,
  factsOf,
  joinedApk,
  type SignerPlan,
  signZip,
  testKey,
  unsignedApk,
  verdictOf,
} from '../support/apk/index.ts';
import { ATTRIBUTE_IDS, BLOCK_IDS, signingBlock } from '../support/apk/sign.ts';
import { buildZip, joinZip } from '../support/apk/zip.ts';

const MIB = 1024 * 1024;
const key = testKey('release');
const next = testKey('release-next');
const third = testKey('release-third');
const from24 = unsignedApk({ versionCode: 1, minSdk: 24 });
const from28 = unsignedApk({ versionCode: 1, minSdk: 28 });
const both = async (plan: Partial<SignerPlan>): Promise<string[]> => [
  await codeOf(signZip(from28, { v2: [{ key, ...plan }] })),
  await codeOf(signZip(from28, { v3: [{ key, ...plan }] })),
];

test('a signer has at most 64 signatures, attributes and certificates', async () => {
  const algorithms = (count: number) => [0x0201, ...Array.from({ length: count - 1 }, (_, i) => 0x9000 + i)];
  assert.equal(await both({ algorithms: algorithms(64) }), ['accepted', 'accepted']);
  assert.equal(await both({ algorithms: algorithms(65) }), ['signer_malformed', 'signer_malformed']);
  const digests = (count: number) => ({ broken: { digestAlgorithms: algorithms(count) } });
  assert.equal(await both(digests(64)), ['algorithms_differ', 'algorithms_differ']);
  assert.equal(await both(digests(65)), ['signer_malformed', 'signer_malformed']);
  const attributes = (count: number) => Array.from({ length: count }, () => ({ id: 1, value: u32(0) }));
  assert.equal(await both({ attributes: attributes(64) }), ['accepted', 'accepted']);
  assert.equal(await both({ attributes: attributes(65) }), ['signer_malformed', 'signer_malformed']);
  const broken = (count: number) => ({
    broken: { certificates: Array<Buffer>(count).fill(key.certificate) },
  });
  assert.equal(await both(broken(64)), ['accepted', 'accepted']);
  assert.equal(await both(broken(65)), ['certificate_malformed', 'certificate_malformed']);
});

test('a scheme has at most ten signers', async () => {
  const v2 = (count: number) => Array.from({ length: count }, () => ({ key }));
  assert.is(await codeOf(signZip(from28, { v2: v2(10) })), 'accepted');
  assert.is(await codeOf(signZip(from28, { v2: v2(11) })), 'too_many_signers');
  const v3 = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      key,
      minSdk: 28 + i,
      maxSdk: i === count - 1 ? 0x7fffffff : 28 + i,
    }));
  assert.is(await codeOf(signZip(from28, { v3: v3(10) })), 'accepted');
  assert.is(await codeOf(signZip(from28, { v3: v3(11) })), 'too_many_signers');
});

test('a v2 signer must be the oldest key of the lineage, not a later one', async () => {
  const rotated: SignerPlan = { key: third, lineage: [{ key }, { key: next }] };
  const signedBy = (v2: SignerPlan) => codeOf(signZip(from24, { v2: [v2], v3: [rotated] }));
  assert.is(await signedBy({ key }), 'accepted');
  assert.is(await signedBy({ key: next }), 'signers_unrelated');
  assert.is(await signedBy({ key: third }), 'signers_unrelated');
});

test('a v3 signer for older devices can be any key of the lineage', async () => {
  const newer: SignerPlan = { key: third, minSdk: 33, lineage: [{ key }, { key: next }] };
  for (const older of [
    { key },
    { key: next, lineage: [{ key }] },
    { key: third, lineage: [{ key }, { key: next }] },
  ])
    assert.is(await codeOf(signZip(from28, { v3: [{ ...older, maxSdk: 32 }], v31: [newer] })), 'accepted');
});

test('a signing block takes at most 8 MiB', async () => {
  // Two sizes and the magic are not counted, and a pair has twelve bytes of its own.
  const block = (size: number) => signingBlock([{ id: 1, value: Buffer.alloc(size - 24 - 12) }], false);
  assert.is(await codeOf(joinZip(from28, block(8 * MIB))), 'unsigned');
  assert.is(await codeOf(joinZip(from28, block(8 * MIB + 1))), 'signing_block_too_large');
});

test('the smallest block there can be is looked at', async () => {
  const empty = buildZip([]);
  assert.is(await codeOf(joinZip(empty)), 'manifest_missing', 'an end record alone');
  const block = signingBlock([], false);
  assert.is(block.length, 32);
  assert.is(await codeOf(joinZip(empty, block)), 'manifest_missing');
  block.writeUInt32LE(25, 0);
  assert.is(await codeOf(joinZip(empty, block)), 'signing_block_malformed');
});

test('only the first pair of an id counts, and later ones are not read', async () => {
  const apk = signZip(from28, { v3: [{ key }], pairs: [{ id: BLOCK_IDS.v3, value: Buffer.from('noise') }] });
  assert.is(await codeOf(apk), 'accepted');
  const before = signZip(from28, { v3: [{ key }], firstPairs: [{ id: BLOCK_IDS.v3, value: list([]) }] });
  assert.is(await codeOf(before), 'no_signers');
});

test('a file has less than 4 GiB, and a central directory at most 16 MiB', async () => {
  const sized = (size: number, directorySize: number) => {
    const end = Buffer.concat([
      u32(0x06054b50),
      u16(0, 0, 1, 1),
      u32(directorySize, size - 22 - directorySize),
      u16(0),
    ]);
    return verifyApk({
      size,
      async read(offset, length) {
        const bytes = Buffer.alloc(length);
        end.copy(bytes, Math.max(0, size - end.length - offset), Math.max(0, offset - (size - end.length)));
        return bytes;
      },
    });
  };
  const code = async (size: number, directorySize: number) => {
    const verdict = await sized(size, directorySize);
    return verdict.ok ? 'accepted' : verdict.code;
  };
  assert.is(await code(0xffffffff, 16 * MIB), 'zip_malformed');
  assert.is(await code(0x1_0000_0000, 16 * MIB), 'file_too_large');
  assert.is(await code(0xffffffff, 16 * MIB + 1), 'zip_directory_too_large');
});

test('a manifest has at most 4 MiB, compressed and not', async () => {
  const code = (content: Buffer, stored: boolean) =>
    codeOf(joinZip(buildZip([{ name: 'AndroidManifest.xml', content, stored }])));
  for (const stored of [true, false]) {
    assert.is(await code(Buffer.alloc(4 * MIB), stored), 'manifest_malformed');
    assert.is(await code(Buffer.alloc(4 * MIB + 1), stored), 'manifest_too_large');
  }
  const zip = buildZip([{ name: 'AndroidManifest.xml', content: Buffer.alloc(4 * MIB + 1), stored: true }]);
  zip.directory.writeUInt32LE(100, 24);
  assert.is(await codeOf(joinZip(zip)), 'manifest_too_large', 'only its compressed size is too large');
});

test('ten v1 signature files are read, of at most 4 MiB each', async () => {
  const says = 'Signature-Version: 1.0\r\nX-Android-APK-Signed: 2\r\n\r\n';
  const code = (files: number, filler = 0) =>
    codeOf(
      joinedApk(
        Array.from({ length: files }, (_, i) => ({
          name: `META-INF/K${String(i).padStart(2, '0')}.SF`,
          content: Buffer.concat([Buffer.from(i === files - 1 ? says : 'x\r\n'), Buffer.alloc(filler, 0x20)]),
        })).concat({ name: 'META-INF/K00.RSA', content: Buffer.from('pkcs7') }),
      ),
    );
  assert.is(await code(10), 'v2_stripped');
  assert.is(await code(11), 'v1_only');
  assert.is(await code(1, 4 * MIB - says.length), 'v2_stripped');
  assert.is(await code(1, 4 * MIB - says.length + 1), 'v1_only');
});

test('v1 needs a signature file and a signature block, by their own names alone', async () => {
  const code = (...names: string[]) =>
    codeOf(joinedApk(names.map(name => ({ name, content: Buffer.from('x') }))));
  for (const kind of ['RSA', 'DSA', 'EC', 'rsa'])
    assert.is(await code('META-INF/A.SF', `META-INF/A.${kind}`), 'v1_only');
  for (const names of [
    ['META-INF/A.SF'],
    ['META-INF/A.RSA'],
    ['META-INF/A.SF', 'META-INF/deep/A.RSA'],
    ['META-INF/deep/A.SF', 'META-INF/A.RSA'],
    ['A.SF', 'META-INF/A.RSA'],
    ['META-INF/A.SF', 'META-INF/A.RSA.txt'],
  ])
    assert.is(await code(...names), 'unsigned', names.join());
});

test('targetSdkVersion 30 is where Android itself asks for more than v1', async () => {
  for (const [targetSdk, says] of [
    [30, true],
    [29, false],
  ] as const) {
    const files = ['SF', 'RSA'].map(kind => ({ name: `META-INF/A.${kind}`, content: Buffer.from('x') }));
    const verdict = await verdictOf(joinZip(unsignedApk({ versionCode: 1, targetSdk, files })));
    assert.is(!verdict.ok && /Android itself requires/.test(verdict.message), says);
  }
});

test('verity counts from SDK 28 on, and every other algorithm from 24', async () => {
  const v2 = (algorithms: number[], key = testKey('release')) =>
    signZip(from24, { v2: [{ key, algorithms }] });
  for (const [id, name] of [
    [0x0421, 'rsa-2048'],
    [0x0423, 'release'],
    [0x0425, 'dsa-2048'],
  ] as const) {
    assert.is(await codeOf(v2([id], testKey(name)), 27), 'no_supported_algorithm');
    assert.is(await codeOf(v2([id], testKey(name)), 28), 'accepted');
  }
  for (const [id, name] of [
    [0x0101, 'rsa-2048'],
    [0x0102, 'rsa-2048'],
    [0x0103, 'rsa-2048'],
    [0x0104, 'rsa-4096'],
    [0x0201, 'release'],
    [0x0202, 'ec-p384'],
    [0x0301, 'dsa-2048'],
  ] as const)
    assert.is(await codeOf(v2([id], testKey(name)), 24), 'accepted');
});

test('each capability has a flag of its own', () => {
  const names = [1, 2, 4, 8, 16, 32].map(flag => capabilityNames(flag).join());
  assert.equal(names, ['installed_data', 'shared_uid', 'permission', 'rollback', 'auth', '']);
});

test('rotation that a v3 signer names is checked from SDK 33 on, at its very SDK', async () => {
  const rotation = (sdk: number): SignerPlan => ({
    key,
    maxSdk: 32,
    attributes: [{ id: ATTRIBUTE_IDS.rotationMinSdk, value: u32(sdk) }],
  });
  const v31: SignerPlan = { key: next, minSdk: 33, lineage: [{ key }] };
  assert.is(await codeOf(signZip(from28, { v3: [rotation(33)], v31: [v31] })), 'accepted');
  const open = (sdk: number) => ({ ...rotation(sdk), maxSdk: 0x7fffffff });
  assert.is(await codeOf(signZip(from28, { v3: [open(33)] }), 32), 'accepted');
  assert.is(await codeOf(signZip(from28, { v3: [open(33)] }), 33), 'v31_stripped');
});

test('--sdk judges from 24 on, and from the minSdkVersion of the APK on', async () => {
  const apk = signZip(from28, { v2: [{ key }], v3: [{ key }] });
  assert.equal([await codeOf(apk, 27), await codeOf(apk, 28)], ['incompatible_sdk', 'accepted']);
  const old = signZip(unsignedApk({ versionCode: 1, minSdk: 21 }), { v2: [{ key }] });
  assert.equal([await codeOf(old, 23), await codeOf(old, 24)], ['incompatible_sdk', 'accepted']);
  const [range] = (await factsOf(old)).signers;
  assert.is(range?.minSdk, 24);
});

test('a reader over a buffer refuses what lies outside of it', async () => {
  const reader = bufferReader(Buffer.from('abc'));
  assert.is((await reader.read(1, 2)).toString(), 'bc');
  assert.is((await reader.read(3, 0)).length, 0);
  for (const [offset, length] of [
    [-1, 1],
    [0, -1],
    [0, 4],
    [3, 1],
  ] as const) {
    const error = await reader.read(offset, length).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RangeError, `${offset}, ${length}`);
  }
});

test.run();
