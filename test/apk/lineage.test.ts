/** Proof of rotation: which key can vouch for which. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { capabilityNames } from '../../controller/apk/index.ts';
import { prefixed, u32 } from '../support/apk/bytes.ts';
import {
  codeOf,
  factsOf,
  fingerprintOf,
  type LineageStep,
  makeKey,
  signZip,
  type TestKey,
  testKey,
  unsignedApk,
} from '../support/apk/index.ts';
import { ATTRIBUTE_IDS, proofOfRotation, signWith } from '../support/apk/sign.ts';

const archive = unsignedApk({ versionCode: 1, minSdk: 28 });
const [first, second, third, stranger] = [
  testKey('release'),
  testKey('release-next'),
  testKey('release-third'),
  testKey('stranger'),
];

const withProof = (key: TestKey, ...proofs: Buffer[]): Buffer =>
  signZip(archive, {
    v3: [{ key, attributes: proofs.map(value => ({ id: ATTRIBUTE_IDS.proofOfRotation, value })) }],
  });
const rotated = (...steps: LineageStep[]): Buffer =>
  withProof(steps.at(-1)?.key ?? first, proofOfRotation(steps));

test('earlier keys are listed oldest first, with flags, without the signer', async () => {
  const [range] = (
    await factsOf(rotated({ key: first, flags: 1 }, { key: second, flags: 9 }, { key: third }))
  ).signers;
  assert.is(range?.fingerprint, fingerprintOf(third));
  assert.equal(
    range?.lineage.map(node => [node.fingerprint, node.flags]),
    [
      [fingerprintOf(first), 1],
      [fingerprintOf(second), 9],
    ],
  );
});

test('a lineage mixes kinds of keys', async () => {
  const keys = [testKey('dsa-2048'), testKey('rsa-2048'), testKey('ec-p384'), testKey('rsa-4096')];
  assert.is(await codeOf(rotated(...keys.map(key => ({ key })))), 'accepted');
  assert.is(
    await codeOf(rotated({ key: testKey('rsa-2048'), algorithm: 0x0101 }, { key: first })),
    'accepted',
  );
});

test('a lineage of the signer alone is not a rotation', async () => {
  assert.equal((await factsOf(rotated({ key: first }))).signers[0]?.lineage, []);
  assert.equal((await factsOf(withProof(first, u32(1)))).signers[0]?.lineage, []);
});

test('the flags have names', () => {
  assert.equal(capabilityNames(0), []);
  assert.equal(capabilityNames(31), ['installed_data', 'shared_uid', 'permission', 'rollback', 'auth']);
  assert.equal(capabilityNames(8), ['rollback']);
});

test('lineage_signer_mismatch: it must end with the signer', async () => {
  assert.is(
    await codeOf(withProof(stranger, proofOfRotation([{ key: first }, { key: second }]))),
    'lineage_signer_mismatch',
  );
  assert.is(
    await codeOf(withProof(first, proofOfRotation([{ key: first }, { key: second }]))),
    'lineage_signer_mismatch',
  );
});

test('lineage_signature_invalid: each certificate is signed by the one before', async () => {
  assert.is(
    await codeOf(withProof(second, proof(level(first), level(second, stranger)))),
    'lineage_signature_invalid',
  );
  assert.is(
    await codeOf(withProof(third, proof(level(first), level(second, first), level(third, first)))),
    'lineage_signature_invalid',
  );
  assert.is(
    await codeOf(
      withProof(second, proof(level(first, undefined, 0x0999), level(second, first, 0x0201, 0x0999))),
    ),
    'lineage_signature_invalid',
  );
});

test('lineage_algorithm_mismatch: with the algorithm it declared', async () => {
  const forged = proof(level(first), level(second, first, 0x0201, 0x0201, 0x0202));
  assert.is(await codeOf(withProof(second, forged)), 'lineage_algorithm_mismatch');
});

test('lineage_duplicate_certificate: a key cannot appear twice', async () => {
  assert.is(
    await codeOf(rotated({ key: first }, { key: second }, { key: first })),
    'lineage_duplicate_certificate',
  );
  assert.is(await codeOf(rotated({ key: first }, { key: first })), 'lineage_duplicate_certificate');
});

test('a message names the certificate of the proof that it is about', async () => {
  const { verdictOf } = await import('../support/apk/index.ts');
  const message = async (...levels: Buffer[]): Promise<string> => {
    const verdict = await verdictOf(withProof(third, proof(...levels)));
    return verdict.ok ? 'accepted' : verdict.message;
  };
  const noCertificate = { ...second, certificate: Buffer.from('certificate') };
  assert.match(await message(level(first), level(second, stranger)), /^certificate 2 of the proof/);
  assert.match(await message(level(first), level(noCertificate, first)), /certificate 2 cannot be decoded$/);
  assert.match(await message(level(first), level(second, first).subarray(0, 9)), /level 2 is cut short$/);
  assert.match(
    await message(level(first), level(second, first), level(first, second)),
    /^certificate 3 of the proof of rotation appears twice$/,
  );
});

test('lineage_repeated: there is one proof', async () => {
  const value = proofOfRotation([{ key: first }, { key: second }]);
  assert.is(await codeOf(withProof(second, value, value)), 'lineage_repeated');
});

test('lineage_malformed: anything cut short, of another version or without end', async () => {
  const sound = proofOfRotation([{ key: first }, { key: second }]);
  for (const value of [
    Buffer.alloc(0),
    u32(2),
    sound.subarray(0, -1),
    Buffer.concat([sound, Buffer.alloc(3)]),
    Buffer.concat([u32(1), prefixed(Buffer.alloc(4))]),
    proof(level({ ...first, certificate: Buffer.from('certificate') })),
  ]) {
    assert.is(await codeOf(withProof(second, value)), 'lineage_malformed');
  }
  const keys = Array.from({ length: 33 }, () => ({ key: makeKey() }));
  assert.is(await codeOf(rotated(...keys)), 'lineage_malformed');
  assert.is(await codeOf(rotated(...keys.slice(1))), 'accepted');
});

/** One level of a proof by hand: `declared` is what the signed data names, `next` what it uses next. */
function level(key: TestKey, signer?: TestKey, next = 0x0201, used = 0x0201, declared = used): Buffer {
  const signedData = Buffer.concat([prefixed(key.certificate), u32(signer ? declared : 0)]);
  const signature = signer ? signWith(signer, used, signedData) : Buffer.alloc(0);
  return Buffer.concat([prefixed(signedData), u32(1, next), prefixed(signature)]);
}

function proof(...levels: Buffer[]): Buffer {
  return Buffer.concat([u32(1), ...levels.map(bytes => prefixed(bytes))]);
}

test.run();
