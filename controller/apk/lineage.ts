import { algorithmFor, publicKeyFor, type SignatureAlgorithm, signatureHolds } from './algorithm.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { Cursor } from './cursor.ts';
import type { LineageNode } from './facts.ts';
import { LAST_SDK } from './facts.ts';
import { Rejection } from './rejection.ts';

const LINEAGE_VERSION = 1;
/** Each level costs one signature check. Real lineages are much shorter. */
const MAX_LEVELS = 32;

interface Level {
  certificate: Certificate;
  flags: number;
  /** The algorithm with which this level's key signs the next level. */
  nextAlgorithmId: number;
}

/**
 * Verifies a proof of rotation: each certificate is signed by the one before it with the algorithm
 * that the one before it declared, no certificate appears twice, and the last one is the APK's signer.
 * Returns the earlier certificates, oldest first.
 * Source: https://source.android.com/docs/security/features/apksigning/v3#proof-of-rotation
 */
export function verifyLineage(attribute: Buffer, signer: Certificate): LineageNode[] | Rejection {
  const cursor = new Cursor(attribute);
  const version = cursor.u32();
  if (cursor.overrun) return malformed('it is too short');
  if (version !== LINEAGE_VERSION) return malformed(`its version is ${version}, not ${LINEAGE_VERSION}`);

  const levels: Level[] = [];
  while (cursor.remaining > 0) {
    if (levels.length === MAX_LEVELS) return malformed(`it has more than ${MAX_LEVELS} certificates`);
    const level = verifyLevel(cursor.prefixed(), levels.at(-1), levels.length + 1);
    if (cursor.overrun) return malformed('a level runs past its end');
    if (level instanceof Rejection) return level;
    if (levels.some(earlier => earlier.certificate.fingerprint === level.certificate.fingerprint)) {
      return new Rejection(
        'lineage_duplicate_certificate',
        `certificate ${levels.length + 1} of the proof of rotation appears twice`,
      );
    }
    levels.push(level);
  }
  const last = levels.pop();
  // An empty record names no earlier key. Android accepts it.
  if (last === undefined) return [];
  if (last.certificate.fingerprint !== signer.fingerprint) {
    return new Rejection(
      'lineage_signer_mismatch',
      'the proof of rotation ends with a certificate that is not the signer',
    );
  }
  return levels.map(({ certificate, flags }) => ({
    fingerprint: certificate.fingerprint,
    publicKeySha256: certificate.publicKeySha256,
    flags,
  }));
}

function verifyLevel(bytes: Buffer, before: Level | undefined, number: number): Level | Rejection {
  const cursor = new Cursor(bytes);
  const signedData = cursor.prefixed();
  const flags = cursor.u32();
  const nextAlgorithmId = cursor.u32();
  const signature = cursor.prefixed();
  const signed = new Cursor(signedData);
  const der = signed.prefixed();
  const signedAlgorithmId = signed.u32();
  if (cursor.overrun || signed.overrun) return malformed(`level ${number} is cut short`);

  if (before !== undefined) {
    const algorithm = algorithmFor(before.nextAlgorithmId, LAST_SDK);
    if (algorithm === undefined || !isSignedBy(before, algorithm, signedData, signature)) {
      return new Rejection(
        'lineage_signature_invalid',
        `certificate ${number} of the proof of rotation is not signed by the one before it`,
      );
    }
    if (signedAlgorithmId !== before.nextAlgorithmId) {
      return new Rejection(
        'lineage_algorithm_mismatch',
        `certificate ${number} of the proof of rotation is signed with a different algorithm than the one before it declared`,
      );
    }
  }
  const certificate = readCertificate(der);
  if (certificate === undefined) return malformed(`certificate ${number} cannot be decoded`);
  return { certificate, flags, nextAlgorithmId };
}

function isSignedBy(before: Level, algorithm: SignatureAlgorithm, data: Buffer, signature: Buffer): boolean {
  const key = publicKeyFor(algorithm, before.certificate.publicKey);
  return key !== undefined && signatureHolds(algorithm, key, data, signature);
}

function malformed(why: string): Rejection {
  return new Rejection('lineage_malformed', `the proof of rotation is malformed: ${why}`);
}
