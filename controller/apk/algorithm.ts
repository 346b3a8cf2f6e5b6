import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** How the file's content is digested; the order is the order of preference, weakest first. */
const CONTENT_DIGESTS = ['chunked-sha256', 'verity-sha256', 'chunked-sha512'] as const;
export type ContentDigest = (typeof CONTENT_DIGESTS)[number];

/** One signature algorithm id and its meaning. */
export interface SignatureAlgorithm {
  id: number;
  key: 'rsa' | 'ec' | 'dsa';
  hash: 'sha256' | 'sha512';
  content: ContentDigest;
  /** For RSASSA-PSS only: the length of the salt. MGF1 uses the same hash. */
  pssSaltBytes?: number;
  /** The first SDK that supports the algorithm. */
  sinceSdk: number;
}

const SINCE_N = 24;
const SINCE_P = 28;

/** Source: https://source.android.com/docs/security/features/apksigning/v2#signature-algorithm-ids */
const ALGORITHMS: ReadonlyMap<number, SignatureAlgorithm> = new Map(
  (
    [
      {
        id: 0x0101,
        key: 'rsa',
        hash: 'sha256',
        content: 'chunked-sha256',
        pssSaltBytes: 32,
        sinceSdk: SINCE_N,
      },
      {
        id: 0x0102,
        key: 'rsa',
        hash: 'sha512',
        content: 'chunked-sha512',
        pssSaltBytes: 64,
        sinceSdk: SINCE_N,
      },
      { id: 0x0103, key: 'rsa', hash: 'sha256', content: 'chunked-sha256', sinceSdk: SINCE_N },
      { id: 0x0104, key: 'rsa', hash: 'sha512', content: 'chunked-sha512', sinceSdk: SINCE_N },
      { id: 0x0201, key: 'ec', hash: 'sha256', content: 'chunked-sha256', sinceSdk: SINCE_N },
      { id: 0x0202, key: 'ec', hash: 'sha512', content: 'chunked-sha512', sinceSdk: SINCE_N },
      { id: 0x0301, key: 'dsa', hash: 'sha256', content: 'chunked-sha256', sinceSdk: SINCE_N },
      { id: 0x0421, key: 'rsa', hash: 'sha256', content: 'verity-sha256', sinceSdk: SINCE_P },
      { id: 0x0423, key: 'ec', hash: 'sha256', content: 'verity-sha256', sinceSdk: SINCE_P },
      { id: 0x0425, key: 'dsa', hash: 'sha256', content: 'verity-sha256', sinceSdk: SINCE_P },
    ] satisfies SignatureAlgorithm[]
  ).map(algorithm => [algorithm.id, algorithm]),
);

/** The algorithm with that id if a device of that SDK supports it. Callers ignore ids that are not. */
export function algorithmFor(id: number, sdk: number): SignatureAlgorithm | undefined {
  const algorithm = ALGORITHMS.get(id);
  return algorithm !== undefined && algorithm.sinceSdk <= sdk ? algorithm : undefined;
}

/** Whether `a` is preferred to `b`. Only the content digest counts; of two equals the first listed wins. */
export function isStronger(a: SignatureAlgorithm, b: SignatureAlgorithm): boolean {
  return CONTENT_DIGESTS.indexOf(a.content) > CONTENT_DIGESTS.indexOf(b.content);
}

/** The curves that Android's crypto library supports; a key on any other curve never verifies there. */
const CURVES: readonly string[] = ['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1'];

/** Reads a SubjectPublicKeyInfo; `undefined` if Android cannot use the key with this algorithm. */
export function publicKeyFor(algorithm: SignatureAlgorithm, spki: Buffer): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== algorithm.key) return undefined;
    const curve = key.asymmetricKeyDetails?.namedCurve;
    if (algorithm.key === 'ec' && !(curve !== undefined && CURVES.includes(curve))) return undefined;
    return key;
  } catch {
    // OpenSSL throws when the bytes are not a key. The caller treats that as a normal answer.
    return undefined;
  }
}

/** Whether `signature` is a valid signature of this key over `data`. */
export function signatureHolds(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  data: Buffer,
  signature: Buffer,
): boolean {
  const padding =
    algorithm.pssSaltBytes === undefined
      ? {}
      : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.pssSaltBytes };
  try {
    return verify(algorithm.hash, data, { key, ...padding }, signature);
  } catch {
    // OpenSSL throws when the key does not fit the algorithm, for example when it is too small.
    return false;
  }
}
