import { createHash, X509Certificate } from 'node:crypto';

/** The parts of a certificate that Android looks at: its bytes and its key, but not names or dates. */
export interface Certificate {
  der: Buffer;
  /** SHA-256 of the DER, 64 hex. */
  fingerprint: string;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** SHA-256 of the SubjectPublicKeyInfo, 64 hex. */
  publicKeySha256: string;
}

/** Reads one DER certificate; `undefined` for anything else, including PEM and trailing bytes. */
export function readCertificate(der: Buffer): Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    // OpenSSL also reads PEM and ignores trailing bytes. The fingerprint must cover exactly what was read.
    if (!certificate.raw.equals(der)) return undefined;
    const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' });
    return { der, fingerprint: sha256Hex(der), publicKey, publicKeySha256: sha256Hex(publicKey) };
  } catch {
    // OpenSSL throws when the bytes are not a certificate. The caller treats that as a normal answer.
    return undefined;
  }
}

function sha256Hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
