import type { ContentDigest } from './algorithm.ts';
import { identityOf, type SignerRange } from './facts.ts';
import { Rejection } from './rejection.ts';
import {
  chooseScheme,
  FIRST_V3_SDK,
  FIRST_V31_SDK,
  type SchemeBlocks,
  type SchemeChoice,
  type VerifiedFrames,
} from './scheme-choice.ts';
import { readV3Frames } from './scheme-v3.ts';
import { type SigningBlock, V2_BLOCK_ID, V3_BLOCK_ID, V31_BLOCK_ID } from './signing-block.ts';

/** The signer for each SDK, and all content digests that they signed. */
export interface SignersBySdk {
  ranges: SignerRange[];
  expected: { digest: ContentDigest; value: Buffer }[];
}

/**
 * Decides for every SDK from `minSdk` to `maxSdk` which scheme and signer a device uses, and verifies
 * them. A run of SDKs in which nothing can change is verified once.
 */
export function signersBySdk(block: SigningBlock, minSdk: number, maxSdk: number): SignersBySdk | Rejection {
  const blocks = readBlocks(block, maxSdk);
  if (blocks instanceof Rejection) return blocks;
  const verified: VerifiedFrames = new Map();
  const ranges: SignerRange[] = [];
  const expected: SignersBySdk['expected'] = [];
  const starts = changePoints(blocks, minSdk, maxSdk);
  for (const [index, start] of starts.entries()) {
    const choice = chooseScheme(blocks, start, verified);
    if (choice instanceof Rejection) return choice;
    expected.push(...choice.expected);
    const end = (starts[index + 1] ?? maxSdk + 1) - 1;
    const range = toRange(choice, start, end);
    const last = ranges.at(-1);
    if (last !== undefined && sameSigner(last, range)) last.maxSdk = end;
    else ranges.push(range);
  }
  return brokenHistory(ranges) ?? { ranges, expected };
}

function readBlocks(block: SigningBlock, maxSdk: number): SchemeBlocks | Rejection {
  // A device ignores blocks that it does not know, even broken ones.
  const v3Bytes = maxSdk >= FIRST_V3_SDK ? block.pairs.get(V3_BLOCK_ID) : undefined;
  const v31Bytes = maxSdk >= FIRST_V31_SDK ? block.pairs.get(V31_BLOCK_ID) : undefined;
  if (v31Bytes !== undefined && v3Bytes === undefined) {
    return new Rejection('v31_without_v3', 'the APK has a v3.1 signature but no v3 signature');
  }
  const v3 = v3Bytes && readV3Frames(v3Bytes, 'v3');
  if (v3 instanceof Rejection) return v3;
  const v31 = v31Bytes && readV3Frames(v31Bytes, 'v3.1');
  if (v31 instanceof Rejection) return v31;
  return { v2: block.pairs.get(V2_BLOCK_ID), v3, v31 };
}

/** The SDKs in the range at which another scheme or signer can take over, ascending. */
function changePoints(blocks: SchemeBlocks, minSdk: number, maxSdk: number): number[] {
  const points = new Set([minSdk, FIRST_V3_SDK]);
  // Without v3 there is no v3.1, so nothing changes at its first SDK.
  if (blocks.v3 !== undefined) points.add(FIRST_V31_SDK);
  for (const frame of [...(blocks.v3 ?? []), ...(blocks.v31 ?? [])]) {
    points.add(frame.minSdk).add(frame.maxSdk + 1);
    // Released devices use a signer for a development release only from the next SDK.
    if (frame.scheme === 'v3.1') points.add(frame.minSdk + 1);
  }
  return [...points].filter(sdk => sdk >= minSdk && sdk <= maxSdk).sort((a, b) => a - b);
}

function toRange(choice: SchemeChoice, minSdk: number, maxSdk: number): SignerRange {
  const [signer, ...coSigners] = choice.certificates;
  const range: SignerRange = {
    minSdk,
    maxSdk,
    scheme: choice.scheme,
    fingerprint: signer.fingerprint,
    publicKeySha256: signer.publicKeySha256,
    lineage: choice.lineage,
  };
  if (coSigners.length > 0) range.coSigners = coSigners.map(certificate => certificate.fingerprint);
  return range;
}

function sameSigner(a: SignerRange, b: SignerRange): boolean {
  return (
    a.scheme === b.scheme &&
    identityOf(a) === identityOf(b) &&
    a.lineage.length === b.lineage.length &&
    a.lineage.every(
      (node, index) =>
        node.fingerprint === b.lineage[index]?.fingerprint && node.flags === b.lineage[index]?.flags,
    )
  );
}

/**
 * A device upgraded to a newer Android keeps an app only if the signer for the new SDK is the old signer
 * or has it in its lineage. As in apksig, a v2 signer must be the oldest of the lineage.
 */
function brokenHistory(ranges: readonly SignerRange[]): Rejection | undefined {
  for (const [index, older] of ranges.entries()) {
    for (const newer of ranges.slice(index + 1)) {
      if (identityOf(older) === identityOf(newer) && newer.lineage.length === 0) continue;
      const known = older.scheme === 'v2' ? newer.lineage.slice(0, 1) : [...newer.lineage, newer];
      if (known.some(node => node.fingerprint === identityOf(older))) continue;
      return new Rejection(
        'signers_unrelated',
        `the signer for SDK ${newer.minSdk} does not vouch for the one for SDK ${older.minSdk} (${older.fingerprint})`,
      );
    }
  }
  return undefined;
}
