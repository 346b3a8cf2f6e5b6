import type { ByteReader } from './byte-reader.ts';
import { digestFile } from './content-digest.ts';
import { type ApkFacts, type ApkVerdict, FIRST_SDK, LAST_SDK, type Scheme } from './facts.ts';
import { rejectWithoutBlock } from './jar-signature.ts';
import { type ManifestFacts, readManifest } from './manifest.ts';
import { Rejection } from './rejection.ts';
import { type SignersBySdk, signersBySdk } from './signers-by-sdk.ts';
import {
  readSigningBlock,
  type SigningBlock,
  V2_BLOCK_ID,
  V3_BLOCK_ID,
  V31_BLOCK_ID,
} from './signing-block.ts';
import { readZipEntries, readZipEntry, type ZipEntry } from './zip-entry.ts';
import { findZipLayout, type ZipLayout } from './zip-layout.ts';

const MANIFEST = 'AndroidManifest.xml';
const MAX_MANIFEST_SIZE = 4 * 1024 * 1024;
const VERITY_PAGE = 4096;

/**
 * Verifies an APK as Android does, for every SDK from its minSdkVersion up (but not below 24), or for
 * the one SDK given. Bad input yields a verdict with a stable code; only I/O errors reject.
 * Source: https://source.android.com/docs/security/features/apksigning
 */
export async function verifyApk(reader: ByteReader, options: { sdk?: number } = {}): Promise<ApkVerdict> {
  const partial: Partial<ApkFacts> = { sizeBytes: reader.size };
  const result = await verify(reader, options.sdk, partial);
  if (!(result instanceof Rejection)) return { ok: true, facts: result };
  return { ok: false, code: result.code, message: result.message, partial };
}

async function verify(
  reader: ByteReader,
  sdk: number | undefined,
  partial: Partial<ApkFacts>,
): Promise<ApkFacts | Rejection> {
  const layout = await findZipLayout(reader);
  if (layout instanceof Rejection) return layout;
  const block = await readSigningBlock(reader, layout);
  if (block instanceof Rejection) return block;
  const entries = await readZipEntries(reader, layout);
  if (entries instanceof Rejection) return entries;

  const entriesEnd = block?.offset ?? layout.directoryOffset;
  const manifest = await readManifestEntry(reader, entries.get(MANIFEST), entriesEnd);
  if (manifest instanceof Rejection) return manifest;
  Object.assign(partial, manifest);

  if (block === undefined || !hasScheme(block)) {
    return rejectWithoutBlock(reader, entries, entriesEnd, manifest.targetSdk);
  }
  const incompatible = sdk === undefined ? undefined : checkSdk(sdk, manifest.minSdk);
  if (incompatible !== undefined) return incompatible;
  const signers = signersBySdk(block, sdk ?? Math.max(manifest.minSdk, FIRST_SDK), sdk ?? LAST_SDK);
  if (signers instanceof Rejection) return signers;
  partial.schemes = schemesOf(signers);
  partial.signers = signers.ranges;

  const sha256 = await checkContent(reader, layout, block, signers);
  if (sha256 instanceof Rejection) return sha256;
  return {
    ...manifest,
    sizeBytes: reader.size,
    sha256,
    schemes: schemesOf(signers),
    signers: signers.ranges,
  };
}

async function readManifestEntry(
  reader: ByteReader,
  entry: ZipEntry | undefined,
  end: number,
): Promise<ManifestFacts | Rejection> {
  if (entry === undefined) return new Rejection('manifest_missing', `the archive has no ${MANIFEST}`);
  if (entry.size > MAX_MANIFEST_SIZE || entry.compressedSize > MAX_MANIFEST_SIZE) {
    return new Rejection('manifest_too_large', `${MANIFEST} is larger than ${MAX_MANIFEST_SIZE} bytes`);
  }
  const bytes = await readZipEntry(reader, entry, end, MAX_MANIFEST_SIZE);
  if (bytes === undefined)
    return new Rejection(
      'manifest_malformed',
      `${MANIFEST} cannot be extracted from the archive: it is damaged`,
    );
  return readManifest(bytes);
}

function hasScheme(block: SigningBlock): boolean {
  return [V2_BLOCK_ID, V3_BLOCK_ID, V31_BLOCK_ID].some(id => block.pairs.has(id));
}

function checkSdk(sdk: number, minSdk: number): Rejection | undefined {
  if (sdk < FIRST_SDK) {
    return new Rejection(
      'incompatible_sdk',
      `SDK ${sdk} is older than SDK ${FIRST_SDK}, the first that checks v2 signatures`,
    );
  }
  if (sdk < minSdk)
    return new Rejection('incompatible_sdk', `SDK ${sdk} is older than the APK's minSdkVersion ${minSdk}`);
  return undefined;
}

function schemesOf(signers: SignersBySdk): Scheme[] {
  return [...new Set(signers.ranges.map(range => range.scheme))];
}

/** Compares the signed digests with the bytes of the file. Returns the SHA-256 of the whole file. */
async function checkContent(
  reader: ByteReader,
  layout: ZipLayout,
  block: SigningBlock,
  { expected }: SignersBySdk,
): Promise<string | Rejection> {
  const wanted = new Set(expected.map(({ digest }) => digest));
  const blockSize = layout.directoryOffset - block.offset;
  if (wanted.has('verity-sha256') && (block.offset % VERITY_PAGE !== 0 || blockSize % VERITY_PAGE !== 0)) {
    return new Rejection(
      'verity_misaligned',
      `the APK Signing Block does not fill whole ${VERITY_PAGE}-byte pages, which fs-verity requires`,
    );
  }
  const actual = await digestFile(reader, { blockOffset: block.offset, ...layout }, wanted);
  for (const { digest, value } of expected) {
    if (actual.content.get(digest)?.equals(value) === true) continue;
    return new Rejection(
      'content_digest_mismatch',
      `the file changed after it was signed: its ${digest} digest differs`,
    );
  }
  return actual.sha256;
}
