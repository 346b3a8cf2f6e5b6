import type { ContentDigest } from './algorithm.ts';
import type { Certificate } from './certificate.ts';
import type { LineageNode, Scheme } from './facts.ts';
import { Rejection } from './rejection.ts';
import { verifyV2 } from './scheme-v2.ts';
import { type V3Frame, type V3Signer, verifyV3 } from './scheme-v3.ts';

/** The first SDKs that support v3 and v3.1. */
export const FIRST_V3_SDK = 28;
export const FIRST_V31_SDK = 33;

/** The schemes in an APK, split into signers but not verified. */
export interface SchemeBlocks {
  v2: Buffer | undefined;
  v3: readonly V3Frame[] | undefined;
  v31: readonly V3Frame[] | undefined;
}

/** What one device relies on: a scheme, its verified signers, and the content digests they signed. */
export interface SchemeChoice {
  scheme: Scheme;
  /** Exactly one, except with v2. */
  certificates: [Certificate, ...Certificate[]];
  lineage: LineageNode[];
  expected: { digest: ContentDigest; value: Buffer }[];
}

/** Results by signer, so that a v3 signer that covers many SDKs is verified once. */
export type VerifiedFrames = Map<V3Frame, V3Signer | Rejection>;

/**
 * Picks the scheme that a device of `sdk` uses (v3.1, then v3, then v2) and verifies its signers. If
 * that scheme is present but not valid, the APK is refused: Android never falls back to an older one.
 * Source: https://source.android.com/docs/security/features/apksigning/v3#verification
 */
export function chooseScheme(
  blocks: SchemeBlocks,
  sdk: number,
  verified: VerifiedFrames,
): SchemeChoice | Rejection {
  const verifyOnce = (frame: V3Frame): V3Signer | Rejection => {
    const known = verified.get(frame);
    if (known !== undefined) return known;
    const signer = verifyV3(frame, sdk);
    verified.set(frame, signer);
    return signer;
  };
  if (sdk >= FIRST_V31_SDK && blocks.v31 !== undefined) {
    const chosen = chooseV31(blocks.v31, sdk, verifyOnce);
    if (chosen !== undefined) return chosen;
  }
  if (sdk >= FIRST_V3_SDK && blocks.v3 !== undefined) return chooseV3(blocks.v3, blocks.v31, sdk, verifyOnce);
  return chooseV2(blocks, sdk);
}

type Verify = (frame: V3Frame) => V3Signer | Rejection;

/** `undefined` if no v3.1 signer covers this SDK: the device then uses v3. */
function chooseV31(
  frames: readonly V3Frame[],
  sdk: number,
  verifyOnce: Verify,
): SchemeChoice | Rejection | undefined {
  const covering: V3Signer[] = [];
  for (const frame of frames.filter(frame => covers(frame, sdk))) {
    const signer = verifyOnce(frame);
    if (signer instanceof Rejection) return signer;
    if (!(signer.targetsDevRelease && sdk === frame.minSdk)) covering.push(signer);
  }
  if (covering.length > 1) return several('v3.1', sdk);
  return covering[0] && fromV3(covering[0], 'v3.1');
}

function chooseV3(
  frames: readonly V3Frame[],
  v31: readonly V3Frame[] | undefined,
  sdk: number,
  verifyOnce: Verify,
): SchemeChoice | Rejection {
  const [frame, ...others] = frames.filter(candidate => covers(candidate, sdk));
  if (frame === undefined) {
    return new Rejection('no_signer_for_sdk', `no v3 signer covers SDK ${sdk}`);
  }
  if (others.length > 0) return several('v3', sdk);
  const signer = verifyOnce(frame);
  if (signer instanceof Rejection) return signer;
  if (signer.rotationMinSdk !== undefined && sdk >= FIRST_V31_SDK) {
    const stripped = checkRotation(signer.rotationMinSdk, v31);
    if (stripped !== undefined) return stripped;
  }
  return fromV3(signer, 'v3');
}

/** The v3 signer names the SDK at which v3.1 takes over, so that a removed v3.1 signature is noticed. */
function checkRotation(rotationMinSdk: number, v31: readonly V3Frame[] | undefined): Rejection | undefined {
  const actual = v31 === undefined ? undefined : Math.min(...v31.map(frame => frame.minSdk));
  if (actual === rotationMinSdk) return undefined;
  const found = actual === undefined ? 'the APK has none' : `it starts at SDK ${actual}`;
  return new Rejection(
    'v31_stripped',
    `the v3 signer expects a v3.1 signature from SDK ${rotationMinSdk}, but ${found}`,
  );
}

function chooseV2(blocks: SchemeBlocks, sdk: number): SchemeChoice | Rejection {
  if (blocks.v2 === undefined) {
    return new Rejection(
      'v2_missing',
      `the APK has no v2 signature, and SDK ${sdk} cannot read newer ones; sign with v2 or raise minSdkVersion to ${FIRST_V3_SDK}`,
    );
  }
  const signers = verifyV2(blocks.v2, sdk);
  if (signers instanceof Rejection) return signers;
  const [first, ...others] = signers;
  return {
    scheme: 'v2',
    certificates: [first.certificate, ...others.map(signer => signer.certificate)],
    lineage: [],
    expected: signers.map(signer => ({ digest: signer.content.digest, value: signer.content.expected })),
  };
}

function fromV3(signer: V3Signer, scheme: Scheme): SchemeChoice {
  return {
    scheme,
    certificates: [signer.certificate],
    lineage: signer.lineage,
    expected: [{ digest: signer.content.digest, value: signer.content.expected }],
  };
}

function covers(frame: V3Frame, sdk: number): boolean {
  return frame.minSdk <= sdk && sdk <= frame.maxSdk;
}

function several(scheme: Scheme, sdk: number): Rejection {
  return new Rejection('several_signers_for_sdk', `more than one ${scheme} signer covers SDK ${sdk}`);
}
