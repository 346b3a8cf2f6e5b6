import {
  algorithmFor,
  type ContentDigest,
  isStronger,
  publicKeyFor,
  type SignatureAlgorithm,
  signatureHolds,
} from './algorithm.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { Cursor } from './cursor.ts';
import { Rejection } from './rejection.ts';

/** A signer block split into its parts. Nothing in it is trusted yet. */
export interface SignerBlock {
  /** Its name in messages, such as `v3 signer 1`. */
  name: string;
  signedData: Buffer;
  signatures: Cursor;
  publicKey: Buffer;
}

/** A signer whose signature over its signed data is valid. The file's content is not compared yet. */
export interface VerifiedSigner {
  certificate: Certificate;
  content: { digest: ContentDigest; expected: Buffer };
  /** What follows the certificates in the signed data: SDK range (v3) and attributes. */
  rest: Cursor;
}

/** A signer needs one record per algorithm, and there are ten algorithms. */
const MAX_RECORDS = 64;
/** Only the first certificate counts. The limit bounds the work that the others cause. */
const MAX_CERTIFICATES = 64;

/**
 * Checks what v2 and v3 signers have in common, as a device of `sdk` does: the signature with the
 * strongest supported algorithm is valid, digests and signatures list the same algorithms, and the
 * first certificate contains the key that signed.
 * Source: https://source.android.com/docs/security/features/apksigning/v2#verification
 */
export function verifySigner(block: SignerBlock, sdk: number): VerifiedSigner | Rejection {
  const { name, signedData } = block;
  const signatures = readRecords(block.signatures);
  if (signatures === undefined) return malformed(name, 'its signatures are cut short or too many');
  if (signatures.length === 0) return new Rejection('no_signatures', `${name} has no signatures`);
  const best = strongest(signatures, sdk);
  if (best === undefined) {
    const ids = signatures.map(({ id }) => `0x${id.toString(16).padStart(4, '0')}`).join(', ');
    return new Rejection(
      'no_supported_algorithm',
      `${name} uses only algorithms that SDK ${sdk} does not support: ${ids}`,
    );
  }
  const key = publicKeyFor(best.algorithm, block.publicKey);
  if (key === undefined) {
    return new Rejection(
      'public_key_malformed',
      `${name} has no ${best.algorithm.key} public key that Android can use`,
    );
  }
  if (!signatureHolds(best.algorithm, key, signedData, best.value)) {
    return new Rejection('signature_invalid', `the signature of ${name} is not valid for its signed data`);
  }

  const cursor = new Cursor(signedData);
  const digests = readRecords(cursor.slice());
  const certificates = cursor.slice();
  if (digests === undefined || cursor.overrun)
    return malformed(name, 'its signed data is cut short or holds too many records');
  if (!sameAlgorithms(signatures, digests)) {
    return new Rejection(
      'algorithms_differ',
      `${name} lists different algorithms for its digests and its signatures`,
    );
  }
  // If there are several digests for one algorithm, Android uses the last.
  const expected = digests.findLast(record => record.id === best.algorithm.id);
  if (expected === undefined) return malformed(name, 'it has no digest of the content');

  const certificate = firstCertificate(certificates, name);
  if (certificate instanceof Rejection) return certificate;
  if (!certificate.publicKey.equals(block.publicKey)) {
    return new Rejection(
      'public_key_mismatch',
      `${name} signs with a key that is not the one in its certificate`,
    );
  }
  return { certificate, content: { digest: best.algorithm.content, expected: expected.value }, rest: cursor };
}

/** A record of the form `u32 algorithm id, u32 length, bytes`. */
interface AlgorithmRecord {
  id: number;
  value: Buffer;
}

function readRecords(cursor: Cursor): AlgorithmRecord[] | undefined {
  const records: AlgorithmRecord[] = [];
  while (cursor.remaining > 0) {
    if (records.length === MAX_RECORDS) return undefined;
    const record = cursor.slice();
    records.push({ id: record.u32(), value: record.prefixed() });
  }
  return cursor.overrun ? undefined : records;
}

function strongest(
  signatures: readonly AlgorithmRecord[],
  sdk: number,
): { algorithm: SignatureAlgorithm; value: Buffer } | undefined {
  let best: { algorithm: SignatureAlgorithm; value: Buffer } | undefined;
  for (const { id, value } of signatures) {
    const algorithm = algorithmFor(id, sdk);
    if (algorithm === undefined) continue;
    if (best === undefined || isStronger(algorithm, best.algorithm)) best = { algorithm, value };
  }
  return best;
}

function sameAlgorithms(a: readonly AlgorithmRecord[], b: readonly AlgorithmRecord[]): boolean {
  return a.length === b.length && a.every((record, index) => record.id === b[index]?.id);
}

function firstCertificate(cursor: Cursor, name: string): Certificate | Rejection {
  let first: Certificate | undefined;
  for (let count = 1; cursor.remaining > 0; count += 1) {
    if (count > MAX_CERTIFICATES) {
      return new Rejection('certificate_malformed', `${name} has more than ${MAX_CERTIFICATES} certificates`);
    }
    const certificate = readCertificate(cursor.prefixed());
    if (certificate === undefined) {
      return new Rejection('certificate_malformed', `certificate ${count} of ${name} cannot be decoded`);
    }
    first ??= certificate;
  }
  return first ?? new Rejection('certificate_missing', `${name} has no certificate`);
}

export function malformed(name: string, why: string): Rejection {
  return new Rejection('signer_malformed', `${name} is malformed: ${why}`);
}

/** The additional attributes of the signed data, in order; `undefined` if they are cut short or too many. */
export function readAttributes(cursor: Cursor): { id: number; value: Buffer }[] | undefined {
  const attributes: { id: number; value: Buffer }[] = [];
  while (cursor.remaining > 0) {
    if (attributes.length === MAX_RECORDS) return undefined;
    const attribute = cursor.slice();
    const id = attribute.u32();
    attributes.push({ id, value: attribute.take(attribute.remaining) });
  }
  return cursor.overrun ? undefined : attributes;
}
