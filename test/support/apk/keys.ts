import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { selfSignedCertificate } from './certificate.ts';

export type KeyAlgorithm =
  | 'ec-p256'
  | 'ec-p384'
  | 'ec-p521'
  | 'ec-secp256k1'
  | 'rsa-2048'
  | 'rsa-3072'
  | 'rsa-4096'
  | 'dsa-2048';

/** A signing key and its self-signed certificate. */
export interface TestKey {
  privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** DER. */
  certificate: Buffer;
}

/** Keys committed beside the fixtures, so that fingerprints are the same in every run. They protect nothing. */
export type TestKeyName =
  | 'release'
  | 'release-next'
  | 'release-third'
  | 'stranger'
  | 'rsa-2048'
  | 'rsa-4096'
  | 'ec-p384'
  | 'dsa-2048';

const KEYS = new URL('../../fixtures/apk/keys/', import.meta.url);
const loaded = new Map<TestKeyName, TestKey>();

/** A fresh key. EC P-256, the default, takes a millisecond; DSA may take seconds. */
export function makeKey(algorithm: KeyAlgorithm = 'ec-p256', commonName = 'Test'): TestKey {
  const { privateKey } = generate(algorithm);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { privateKey, publicKey, certificate: selfSignedCertificate(privateKey, publicKey, commonName) };
}

function generate(algorithm: KeyAlgorithm): { privateKey: KeyObject } {
  const [family, size = ''] = algorithm.split('-');
  if (family === 'rsa') return generateKeyPairSync('rsa', { modulusLength: Number(size) });
  if (family === 'dsa')
    return generateKeyPairSync('dsa', { modulusLength: Number(size), divisorLength: 256 });
  return generateKeyPairSync('ec', { namedCurve: size.replace(/^p/, 'P-') });
}

/** A committed key; `release`, `release-next`, `release-third` and `stranger` are EC P-256. */
export function testKey(name: TestKeyName = 'release'): TestKey {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const pem = readFileSync(new URL(`${name}.pem`, KEYS), 'utf8');
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const certificate = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE-----'))).raw;
  const key = { privateKey, publicKey, certificate };
  loaded.set(name, key);
  return key;
}

/** The key's certificate, DER. */
export function certificateOf(key: TestKey): Buffer {
  return key.certificate;
}

/** SHA-256 of the certificate's DER, 64 hex: what a build's `signer_fingerprint` says. */
export function fingerprintOf(key: TestKey): string {
  return createHash('sha256').update(key.certificate).digest('hex');
}

/** Both halves as PEM, the form the committed keys have. */
export function toPem(key: TestKey): string {
  const lines = key.certificate.toString('base64').match(/.{1,64}/g) ?? [];
  const certificate = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() + certificate;
}
