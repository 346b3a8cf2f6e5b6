import { createHash, X509Certificate } from 'node:crypto';

/** What counts of a certificate here: its bytes and its key. Names and dates mean nothing to Android. */
export interface Certificate {
  der: Buffer;
  /** SHA-256 of the DER, 64 hex. */
  fingerprint: string;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** SHA-256 of the SubjectPublicKeyInfo, 64 hex. */
  publicKeySha256: string;
}

/** Reads one DER certificate; `undefined` for anything else, trailing bytes and PEM included. */
export function readCertificate(der: Buffer): Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    // OpenSSL reads PEM too, and ignores what follows: the fingerprint must be of what was read.
    if (!certificate.raw.equals(der)) return undefined;
    const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' });
    return { der, fingerprint: sha256Hex(der), publicKey, publicKeySha256: sha256Hex(publicKey) };
  } catch {
    // OpenSSL reports bytes that are no certificate by throwing; here that is an answer.
    return undefined;
  }
}

function sha256Hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
