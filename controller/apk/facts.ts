import type { ApkRejectionCode } from './rejection.ts';

/** APK signature schemes that stand on their own on Android 7 (SDK 24) and later. */
export type Scheme = 'v2' | 'v3' | 'v3.1';

/** An earlier certificate, vouched for by the APK's own proof of rotation. */
export interface LineageNode {
  /** SHA-256 of the certificate's DER, 64 hex. */
  fingerprint: string;
  /** SHA-256 of the public key's SubjectPublicKeyInfo DER, 64 hex. */
  publicKeySha256: string;
  /** What Android still trusts this certificate with; see {@link capabilityNames}. */
  flags: number;
}

/** Who signs for the Android versions `minSdk…maxSdk`, both included. */
export interface SignerRange {
  minSdk: number;
  /** {@link LAST_SDK} when there is no upper end. */
  maxSdk: number;
  scheme: Scheme;
  /** SHA-256 of the signing certificate's DER, 64 hex. */
  fingerprint: string;
  /** SHA-256 of the public key's SubjectPublicKeyInfo DER, 64 hex. */
  publicKeySha256: string;
  /** Earlier certificates, oldest first, without the signer itself. */
  lineage: LineageNode[];
  /** Further v2 signers, in the APK's order: to Android the identity is then the whole set. */
  coSigners?: string[];
}

/** What a verified APK is. */
export interface ApkFacts {
  package: string;
  versionCode: number;
  versionName: string;
  minSdk: number;
  targetSdk: number;
  debuggable: boolean;
  sizeBytes: number;
  /** SHA-256 of the whole file, 64 hex. */
  sha256: string;
  /** The schemes that count on some Android version the APK can be installed on. */
  schemes: Scheme[];
  /** In rising order of SDK, without gaps. */
  signers: SignerRange[];
}

/** Accepted with its facts, or refused with a stable code and as many facts as were read by then. */
export type ApkVerdict =
  | { ok: true; facts: ApkFacts }
  | { ok: false; code: ApkRejectionCode; message: string; partial?: Partial<ApkFacts> };

/** The first SDK that knows APK Signature Scheme v2, and the floor of the agent. */
export const FIRST_SDK = 24;

/** "And every later version": the largest SDK the signature formats can name. */
export const LAST_SDK = 0x7fffffff;

/** The signer that counts on a device of that SDK, if the APK can be installed there. */
export function signerForSdk(facts: ApkFacts, sdk: number): SignerRange | undefined {
  return facts.signers.find(range => range.minSdk <= sdk && sdk <= range.maxSdk);
}

/**
 * Whether Android takes both APKs as signed by the same key on every SDK that can install both.
 * Like Android it compares certificates, and for several v2 signers the whole set.
 */
export function sameSigningKey(a: ApkFacts, b: ApkFacts): boolean {
  const starts = [...a.signers, ...b.signers].map(range => range.minSdk);
  let compared = 0;
  for (const sdk of starts) {
    const left = signerForSdk(a, sdk);
    const right = signerForSdk(b, sdk);
    if (left === undefined || right === undefined) continue;
    compared += 1;
    if (identityOf(left) !== identityOf(right)) return false;
  }
  return compared > 0;
}

/** The signing identity of a range as one comparable string. */
export function identityOf(range: SignerRange): string {
  return [range.fingerprint, ...(range.coSigners ?? [])].sort().join('+');
}

const CAPABILITIES: ReadonlyArray<readonly [flag: number, name: string]> = [
  [1, 'installed_data'],
  [2, 'shared_uid'],
  [4, 'permission'],
  [8, 'rollback'],
  [16, 'auth'],
];

/** An earlier key may be updated from only while this flag is set. */
export const INSTALLED_DATA_FLAG = 1;

/** Lets an earlier key take the app back: off by default, and worth an alarm when on. */
export const ROLLBACK_FLAG = 8;

/**
 * The capabilities an earlier certificate keeps, by name.
 * Source: https://source.android.com/docs/security/features/apksigning/v3
 */
export function capabilityNames(flags: number): string[] {
  return CAPABILITIES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
}
