import { Cursor } from './cursor.ts';
import type { LineageNode } from './facts.ts';
import { verifyLineage } from './lineage.ts';
import { Rejection } from './rejection.ts';
import { malformed, readAttributes, type SignerBlock, type VerifiedSigner, verifySigner } from './signer.ts';

/** The outer frame of a v3 or v3.1 signer: the SDKs it covers, and its bytes. */
export interface V3Frame extends SignerBlock {
  scheme: 'v3' | 'v3.1';
  minSdk: number;
  maxSdk: number;
}

/** A verified signer and the content of its attributes. */
export interface V3Signer extends VerifiedSigner {
  lineage: LineageNode[];
  /** v3 only: the first SDK for which a v3.1 signer must exist. */
  rotationMinSdk: number | undefined;
  /** v3.1 only: at SDK `minSdk` only previews of the next Android version use the signer. */
  targetsDevRelease: boolean;
}

const PROOF_OF_ROTATION_ID = 0x3ba06f8c;
const ROTATION_MIN_SDK_ID = 0x559f8b02;
const DEV_RELEASE_ID = 0xc2a6b3ba;
/** Signers differ by SDK, so real APKs have few. Each one costs a signature check. */
const MAX_SIGNERS = 10;

/**
 * Splits a v3 or v3.1 block into its signers without verifying them.
 * Source: https://source.android.com/docs/security/features/apksigning/v3
 */
export function readV3Frames(block: Buffer, scheme: 'v3' | 'v3.1'): V3Frame[] | Rejection {
  const outer = new Cursor(block);
  const list = outer.slice();
  const frames: V3Frame[] = [];
  while (list.remaining > 0) {
    const name = `${scheme} signer ${frames.length + 1}`;
    if (frames.length === MAX_SIGNERS) {
      return new Rejection('too_many_signers', `the ${scheme} block has more than ${MAX_SIGNERS} signers`);
    }
    const cursor = new Cursor(list.prefixed());
    const signedData = cursor.prefixed();
    const minSdk = cursor.i32();
    const maxSdk = cursor.i32();
    const signatures = cursor.slice();
    const publicKey = cursor.prefixed();
    if (cursor.overrun) return malformed(name, 'it is cut short');
    frames.push({ name, scheme, signedData, minSdk, maxSdk, signatures, publicKey });
  }
  if (outer.overrun) return malformed(`the ${scheme} block`, 'its list of signers is cut short');
  if (frames.length === 0) return new Rejection('no_signers', `the ${scheme} block has no signers`);
  return frames;
}

/** Verifies one v3 or v3.1 signer, including its SDK range and its proof of rotation. */
export function verifyV3(frame: V3Frame, sdk: number): V3Signer | Rejection {
  const signer = verifySigner(frame, sdk);
  if (signer instanceof Rejection) return signer;
  const signedMinSdk = signer.rest.i32();
  const signedMaxSdk = signer.rest.i32();
  const attributes = readAttributes(signer.rest.slice());
  if (attributes === undefined) return malformed(frame.name, 'its signed data is cut short');
  if (signedMinSdk !== frame.minSdk || signedMaxSdk !== frame.maxSdk) {
    return new Rejection(
      'sdk_range_mismatch',
      `${frame.name} claims SDK ${frame.minSdk} to ${frame.maxSdk}, but signed ${signedMinSdk} to ${signedMaxSdk}`,
    );
  }

  let lineage: LineageNode[] | undefined;
  let rotationMinSdk: number | undefined;
  let targetsDevRelease = false;
  for (const { id, value } of attributes) {
    if (id === PROOF_OF_ROTATION_ID) {
      if (lineage !== undefined) {
        return new Rejection('lineage_repeated', `${frame.name} has more than one proof of rotation`);
      }
      const verified = verifyLineage(value, signer.certificate);
      if (verified instanceof Rejection) return verified;
      lineage = verified;
    } else if (id === ROTATION_MIN_SDK_ID) {
      const cursor = new Cursor(value);
      rotationMinSdk = cursor.i32();
      if (cursor.overrun) return malformed(frame.name, 'its rotation attribute is cut short');
    } else if (id === DEV_RELEASE_ID) {
      targetsDevRelease = frame.scheme === 'v3.1';
    }
  }
  return { ...signer, lineage: lineage ?? [], rotationMinSdk, targetsDevRelease };
}
