import type { Concern } from './concern.ts';
import type { ApkRejectionCode } from './rejection.ts';

/** The APK signature schemes that Android 7 (SDK 24) and later verify without a JAR signature. */
export type Scheme = 'v2' | 'v3' | 'v3.1';

/** An earlier certificate that the APK's proof of rotation vouches for. */
export interface LineageNode {
  /** SHA-256 of the certificate's DER, 64 hex. */
  fingerprint: string;
  /** SHA-256 of the public key's SubjectPublicKeyInfo DER, 64 hex. */
  publicKeySha256: string;
  /** The capabilities that Android still grants this certificate; see {@link capabilityNames}. */
  flags: number;
}

/** The signer that Android uses from `minSdk` to `maxSdk`, both included. */
export interface SignerRange {
  minSdk: number;
  /** {@link LAST_SDK} if there is no upper limit. */
  maxSdk: number;
  scheme: Scheme;
  /** SHA-256 of the signing certificate's DER, 64 hex. */
  fingerprint: string;
  /** SHA-256 of the public key's SubjectPublicKeyInfo DER, 64 hex. */
  publicKeySha256: string;
  /** Earlier certificates, oldest first, without the signer itself. */
  lineage: LineageNode[];
  /** Further v2 signers in the APK's order. If there are any, Android treats the whole set as the identity. */
  coSigners?: string[];
}

/** The facts about a verified APK. */
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
  /** The schemes that are used on at least one Android version the APK can be installed on. */
  schemes: Scheme[];
  /** Ascending by SDK, without gaps. */
  signers: SignerRange[];
  /** Problems other than the signatures: errors that prevent an install, and warnings. */
  concerns: Concern[];
}

/** Accepted with its facts, or refused with a stable code and the facts that were read before the refusal. */
export type ApkVerdict =
  | { ok: true; facts: ApkFacts }
  | { ok: false; code: ApkRejectionCode; message: string; partial?: Partial<ApkFacts> };

/** The first SDK that supports APK Signature Scheme v2, and the lowest one the agent supports. */
export const FIRST_SDK = 24;

/** The largest SDK that the signature formats can express. It means "and every later version". */
export const LAST_SDK = 0x7fffffff;

/** The signer that a device of that SDK uses; `undefined` if the APK cannot be installed there. */
export function signerForSdk(facts: ApkFacts, sdk: number): SignerRange | undefined {
  return facts.signers.find(range => range.minSdk <= sdk && sdk <= range.maxSdk);
}

/**
 * Whether Android considers both APKs signed by the same key on every SDK that can install both.
 * Like Android it compares certificates, and the whole set of them if there are several v2 signers.
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

/** The signing identity of a range as a string that can be compared. */
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

/** Android updates an app signed with an earlier key only if that key has this flag. */
export const INSTALLED_DATA_FLAG = 1;

/** Lets the holder of an earlier key take the app back. It is off by default; tools warn when it is on. */
export const ROLLBACK_FLAG = 8;

/**
 * The names of the capabilities that an earlier certificate keeps.
 * Source: https://source.android.com/docs/security/features/apksigning/v3
 */
export function capabilityNames(flags: number): string[] {
  return CAPABILITIES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
}
