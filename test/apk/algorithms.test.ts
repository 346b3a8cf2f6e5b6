/** Every scheme with every algorithm, and how one of several is chosen. */
import { constants, sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VerityTree } from '../../controller/apk/verity.ts';
import {
  codeOf,
  factsOf,
  fingerprintOf,
  makeKey,
  signZip,
  type TestKeyName,
  testKey,
  unsignedApk,
} from '../support/apk/index.ts';
import { merkleRoot } from '../support/apk/sign.ts';

const ALGORITHMS: [id: number, name: string, key: TestKeyName][] = [
  [0x0101, 'RSA-PSS with SHA-256', 'rsa-2048'],
  [0x0102, 'RSA-PSS with SHA-512', 'rsa-2048'],
  [0x0103, 'RSA PKCS#1 with SHA-256', 'rsa-2048'],
  [0x0104, 'RSA PKCS#1 with SHA-512', 'rsa-4096'],
  [0x0201, 'ECDSA with SHA-256', 'release'],
  [0x0202, 'ECDSA with SHA-512', 'ec-p384'],
  [0x0301, 'DSA with SHA-256', 'dsa-2048'],
  [0x0421, 'RSA over a verity tree', 'rsa-2048'],
  [0x0423, 'ECDSA over a verity tree', 'release'],
  [0x0425, 'DSA over a verity tree', 'dsa-2048'],
];
const UNKNOWN = 0x0999;
const archive = unsignedApk({ versionCode: 1, minSdk: 28 });
const release = testKey('release');

for (const [id, name, keyName] of ALGORITHMS) {
  const key = testKey(keyName);
  const signer = { key, algorithms: [id] };
  test(`${name} holds in v2, v3 and v3.1`, async () => {
    const v2 = await factsOf(signZip(archive, { v2: [signer] }));
    const v3 = await factsOf(signZip(archive, { v3: [signer] }));
    const v31 = await factsOf(
      signZip(archive, { v3: [{ ...signer, maxSdk: 32 }], v31: [{ ...signer, minSdk: 33 }] }),
    );
    assert.equal(v2.schemes, ['v2']);
    assert.equal(v3.schemes, ['v3']);
    assert.equal(v31.schemes, ['v3', 'v3.1']);
    for (const { signers } of [v2, v3, v31]) assert.is(signers[0]?.fingerprint, fingerprintOf(key));
  });
  test(`${name} does not hold over other content`, async () => {
    const broken = { digest: (digest: Buffer) => Buffer.alloc(digest.length) };
    assert.is(await codeOf(signZip(archive, { v3: [{ ...signer, broken }] })), 'content_digest_mismatch');
  });
  test(`${name} does not hold with another signature`, async () => {
    const broken = {
      signature: (signature: Buffer) =>
        Buffer.concat([
          signature.subarray(0, -1),
          Buffer.from([signature.readUInt8(signature.length - 1) ^ 1]),
        ]),
    };
    assert.is(await codeOf(signZip(archive, { v3: [{ ...signer, broken }] })), 'signature_invalid');
  });
  test(`${name} does not lend its signature to a key of another kind`, async () => {
    const other = testKey(keyName.startsWith('rsa') ? 'release' : 'rsa-2048');
    const broken = { publicKey: other.publicKey, certificates: [other.certificate] };
    assert.is(await codeOf(signZip(archive, { v3: [{ ...signer, broken }] })), 'public_key_malformed');
  });
}

test('PSS with another salt length does not hold', async () => {
  const key = testKey('rsa-2048');
  for (const saltLength of [0, 20, 64]) {
    const signature = (_: Buffer, signedData: Buffer): Buffer =>
      sign('sha256', signedData, {
        key: key.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      });
    const plan = { key, algorithms: [0x0101], broken: { signature } };
    assert.is(await codeOf(signZip(archive, { v2: [plan] })), 'signature_invalid');
  }
});

test('P-521 holds, a curve Android does not know does not', async () => {
  const p521 = makeKey('ec-p521');
  assert.is(await codeOf(signZip(archive, { v3: [{ key: p521 }] })), 'accepted');
  const koblitz = makeKey('ec-secp256k1');
  assert.is(
    await codeOf(signZip(archive, { v3: [{ key: koblitz, algorithms: [0x0201] }] })),
    'public_key_malformed',
  );
});

test('unknown algorithms are ignored as long as one is known', async () => {
  assert.is(
    await codeOf(signZip(archive, { v3: [{ key: release, algorithms: [UNKNOWN, 0x0201] }] })),
    'accepted',
  );
  assert.is(
    await codeOf(signZip(archive, { v3: [{ key: release, algorithms: [UNKNOWN] }] })),
    'no_supported_algorithm',
  );
});

test('the strongest algorithm counts: SHA-512, then verity, then SHA-256', async () => {
  const rank = [0x0201, 0x0423, 0x0202];
  for (const [index, weaker] of rank.entries()) {
    for (const stronger of rank.slice(index + 1)) {
      for (const algorithms of [
        [weaker, stronger],
        [stronger, weaker],
      ]) {
        assert.is(
          await codeOf(
            signZip(archive, { v2: [{ key: release, algorithms, broken: breakOne(stronger, algorithms) }] }),
          ),
          'signature_invalid',
        );
        assert.is(
          await codeOf(
            signZip(archive, { v2: [{ key: release, algorithms, broken: breakOne(weaker, algorithms) }] }),
          ),
          'accepted',
        );
      }
    }
  }
});

test('of equally strong algorithms the first counts', async () => {
  const rsa = testKey('rsa-2048');
  const algorithms = [0x0103, 0x0101];
  const signed = (broken: number) =>
    signZip(archive, { v2: [{ key: rsa, algorithms, broken: breakOne(broken, algorithms) }] });
  assert.is(await codeOf(signed(0x0103)), 'signature_invalid');
  assert.is(await codeOf(signed(0x0101)), 'accepted');
});

test('of several digests for one algorithm the last counts', async () => {
  const signed = (wrong: number) => {
    let made = 0;
    const digest = (right: Buffer): Buffer => {
      made += 1;
      return made === wrong ? Buffer.alloc(32) : right;
    };
    return signZip(archive, { v2: [{ key: release, algorithms: [0x0201, 0x0201], broken: { digest } }] });
  };
  assert.is(await codeOf(signed(1)), 'accepted');
  assert.is(await codeOf(signed(2)), 'content_digest_mismatch');
});

test('below SDK 28 verity is unknown', async () => {
  const older = unsignedApk({ versionCode: 1, minSdk: 26 });
  assert.is(
    await codeOf(signZip(older, { v2: [{ key: release, algorithms: [0x0423] }] })),
    'no_supported_algorithm',
  );
  assert.is(await codeOf(signZip(older, { v2: [{ key: release, algorithms: [0x0423] }] }), 28), 'accepted');
  const both = signZip(older, { v2: [{ key: release, algorithms: [0x0201, 0x0423] }] });
  assert.is(await codeOf(both), 'accepted');
});

test('verity needs whole pages', async () => {
  assert.is(
    await codeOf(signZip(archive, { v3: [{ key: release, algorithms: [0x0423] }], aligned: false })),
    'verity_misaligned',
  );
});

test('verity trees of any height have the right root', () => {
  for (const size of [
    1,
    4095,
    4096,
    4097,
    127 * 4096,
    128 * 4096,
    128 * 4096 + 1,
    129 * 4096,
    128 * 128 * 4096 + 1,
  ]) {
    const content = Buffer.alloc(size, 0x5a);
    const tree = new VerityTree();
    for (let at = 0; at < size; at += 100_001) tree.update(content.subarray(at, at + 100_001));
    assert.is(tree.root().toString('hex'), merkleRoot(content).toString('hex'), `${size} bytes`);
  }
});

test('content beyond one chunk and one tree level is digested too', async () => {
  const large = unsignedApk({ versionCode: 1, minSdk: 28, sizeBytes: 3_300_000 });
  for (const id of [0x0201, 0x0202, 0x0423]) {
    const apk = signZip(large, { v3: [{ key: release, algorithms: [id] }] });
    assert.is(await codeOf(apk), 'accepted');
    apk.writeUInt8(apk.readUInt8(2_500_000) ^ 0x10, 2_500_000);
    assert.is(await codeOf(apk), 'content_digest_mismatch');
  }
});

/** Signatures are made in the order listed, so counting finds the one to break. */
function breakOne(id: number, algorithms: readonly number[]) {
  let made = 0;
  return {
    signature: (signature: Buffer): Buffer => {
      const broken = algorithms[made] === id;
      made += 1;
      return broken ? Buffer.alloc(signature.length) : signature;
    },
  };
}

test.run();
