/** Every way in which a signer must not hold, in each scheme it can occur in. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApkRejectionCode } from '../../controller/apk/index.ts';
import { list, u32 } from '../support/apk/bytes.ts';
import { codeOf, type SignerPlan, signZip, testKey, unsignedApk } from '../support/apk/index.ts';

const archive = unsignedApk({ versionCode: 1, minSdk: 28 });
const key = testKey('release');
const stranger = testKey('stranger');

const BROKEN: [code: ApkRejectionCode, what: string, plan: Partial<SignerPlan>][] = [
  ['no_signatures', 'no signatures at all', { algorithms: [] }],
  ['no_supported_algorithm', 'only an unknown algorithm', { algorithms: [0x0999] }],
  ['signature_invalid', 'signed data changed after signing', { broken: { signedData: flipLast } }],
  ['signature_invalid', 'a changed signature', { broken: { signature: flipLast } }],
  ['signature_invalid', 'an empty signature', { broken: { signature: () => Buffer.alloc(0) } }],
  ['public_key_malformed', 'a public key that is none', { broken: { publicKey: Buffer.from('key') } }],
  ['public_key_malformed', 'an empty public key', { broken: { publicKey: Buffer.alloc(0) } }],
  [
    'algorithms_differ',
    'digests for fewer algorithms',
    { algorithms: [0x0201, 0x0202], broken: { digestAlgorithms: [0x0201] } },
  ],
  ['algorithms_differ', 'digests for more algorithms', { broken: { digestAlgorithms: [0x0201, 0x0202] } }],
  [
    'algorithms_differ',
    'digests in another order',
    { algorithms: [0x0201, 0x0202], broken: { digestAlgorithms: [0x0202, 0x0201] } },
  ],
  ['algorithms_differ', 'a digest for another algorithm', { broken: { digestAlgorithms: [0x0202] } }],
  ['certificate_missing', 'no certificate', { broken: { certificates: [] } }],
  [
    'certificate_malformed',
    'a certificate that is none',
    { broken: { certificates: [Buffer.from('certificate')] } },
  ],
  [
    'certificate_malformed',
    'bytes after the certificate',
    { broken: { certificates: [Buffer.concat([key.certificate, Buffer.alloc(1)])] } },
  ],
  ['certificate_malformed', 'a certificate as PEM', { broken: { certificates: [pem(key.certificate)] } }],
  [
    'certificate_malformed',
    'a second certificate that is none',
    { broken: { certificates: [key.certificate, Buffer.alloc(9)] } },
  ],
  [
    'certificate_malformed',
    'a flood of certificates',
    { broken: { certificates: Array<Buffer>(65).fill(key.certificate) } },
  ],
  ['public_key_mismatch', "another key's certificate", { broken: { certificates: [stranger.certificate] } }],
  [
    'public_key_mismatch',
    "another key's certificate first",
    { broken: { certificates: [stranger.certificate, key.certificate] } },
  ],
  ['signature_invalid', "another key's public key", { broken: { publicKey: stranger.publicKey } }],
  ['content_digest_mismatch', 'a digest of other content', { broken: { digest: flipLast } }],
  ['content_digest_mismatch', 'a digest cut short', { broken: { digest: digest => digest.subarray(1) } }],
  ['content_digest_mismatch', 'an empty digest', { broken: { digest: () => Buffer.alloc(0) } }],
  ['signer_malformed', 'a signer cut short', { broken: { signer: signer => signer.subarray(0, 40) } }],
  ['signer_malformed', 'an empty signer', { broken: { signer: () => Buffer.alloc(0) } }],
  ['signer_malformed', 'an attribute without an id', { broken: { attributes: list([Buffer.alloc(2)]) } }],
  ['signer_malformed', 'attributes cut short', { broken: { attributes: u32(100) } }],
];

for (const [code, what, plan] of BROKEN) {
  test(`${code}: ${what}`, async () => {
    const signer = { key, ...plan };
    assert.is(await codeOf(signZip(archive, { v2: [signer] })), code, 'v2');
    assert.is(await codeOf(signZip(archive, { v3: [signer] })), code, 'v3');
    assert.is(
      await codeOf(signZip(archive, { v3: [{ key, maxSdk: 32 }], v31: [{ ...signer, minSdk: 33 }] })),
      code,
      'v3.1',
    );
  });
}

test('bytes after the first certificate are of no consequence, as on Android', async () => {
  const broken = { certificates: [key.certificate, stranger.certificate] };
  assert.is(await codeOf(signZip(archive, { v2: [{ key, broken }] })), 'accepted');
});

test('signer_malformed: a signature that claims more bytes than its list has', async () => {
  const claimsMore = (signer: Buffer): Buffer => {
    const copy = Buffer.from(signer);
    copy.writeUInt32LE(0x7fffffff, copy.indexOf('unknown algorithm') - 4);
    return copy;
  };
  const plan = { key, algorithms: [0x0201, 0x0999] };
  assert.is(await codeOf(signZip(archive, { v2: [plan] })), 'accepted');
  const broken = { signer: claimsMore };
  assert.is(await codeOf(signZip(archive, { v2: [{ ...plan, broken }] })), 'signer_malformed');
  assert.is(await codeOf(signZip(archive, { v3: [{ ...plan, broken }] })), 'signer_malformed');
});

test('a message names the signer and the certificate that it is about', async () => {
  const { verdictOf } = await import('../support/apk/index.ts');
  const message = async (apk: Buffer): Promise<string> => {
    const verdict = await verdictOf(apk);
    return verdict.ok ? 'accepted' : verdict.message;
  };
  const broken = { certificates: [key.certificate, Buffer.alloc(9)] };
  assert.match(
    await message(signZip(archive, { v2: [{ key }, { key, broken }] })),
    /^certificate 2 of v2 signer 2 cannot be decoded$/,
  );
  const second: SignerPlan = { key, minSdk: 33, broken: { signature: flipLast } };
  assert.match(
    await message(signZip(archive, { v3: [{ key, maxSdk: 32 }, second] })),
    /^the signature of v3 signer 2 is not valid/,
  );
  assert.match(
    await message(signZip(archive, { v2: [{ key, algorithms: [0x0999, 0x1a] }] })),
    /uses only algorithms that SDK 28 does not support: 0x0999, 0x001a$/,
  );
  const cut = { signer: (signer: Buffer) => signer.subarray(0, -1) };
  for (const [scheme, plan] of [
    ['v2', { v2: [{ key, broken: cut }] }],
    ['v3', { v3: [{ key, broken: cut }] }],
  ] as const)
    assert.is(await message(signZip(archive, plan)), `${scheme} signer 1 is malformed: it is cut short`);
});

test('unknown attributes are ignored', async () => {
  const attributes = [{ id: 0x12345678, value: Buffer.from('anything') }];
  assert.is(
    await codeOf(signZip(archive, { v2: [{ key, attributes }], v3: [{ key, attributes }] })),
    'accepted',
  );
});

function flipLast(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
  return copy;
}

function pem(der: Buffer): Buffer {
  return Buffer.from(`-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`);
}

test.run();
