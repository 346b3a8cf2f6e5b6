import type { ByteReader } from './byte-reader.ts';
import { digestFile } from './content-digest.ts';
import { type ApkFacts, type ApkVerdict, FIRST_SDK, LAST_SDK, type Scheme } from './facts.ts';
import { installConcerns } from './install-rules.ts';
import { rejectWithoutBlock } from './jar-signature.ts';
import { LocalHeaders } from './local-headers.ts';
import { type Manifest, type ManifestFacts, readManifest } from './manifest.ts';
import { androidLibrary, otherPackage } from './other-package.ts';
import { Rejection } from './rejection.ts';
import { type SignersBySdk, signersBySdk } from './signers-by-sdk.ts';
import {
  readSigningBlock,
  type SigningBlock,
  V2_BLOCK_ID,
  V3_BLOCK_ID,
  V31_BLOCK_ID,
  V32_BLOCK_ID,
} from './signing-block.ts';
import { readZipEntries, readZipEntry, type ZipEntry } from './zip-entry.ts';
import { findZipLayout, type ZipLayout } from './zip-layout.ts';

const MANIFEST = 'AndroidManifest.xml';
const MAX_MANIFEST_SIZE = 4 * 1024 * 1024;
const VERITY_PAGE = 4096;
/** The first SDK that supports v3.2. */
const FIRST_V32_SDK = 37;

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
  if (block instanceof Rejection) {
    await readClaims(reader, layout, partial);
    return block;
  }
  const entries = await readZipEntries(reader, layout);
  if (entries instanceof Rejection) return entries;

  const entriesEnd = block?.offset ?? layout.directoryOffset;
  const manifest = await readManifestEntry(reader, entries, entriesEnd, partial);
  if (manifest instanceof Rejection) return manifest;
  const { facts, flags } = manifest;

  if (block === undefined || !hasScheme(block)) {
    return rejectWithoutBlock(reader, entries, entriesEnd, facts.targetSdk);
  }
  const incompatible = sdk === undefined ? undefined : checkSdk(sdk, facts.minSdk);
  if (incompatible !== undefined) return incompatible;
  const [minSdk, maxSdk] = sdk === undefined ? [Math.max(facts.minSdk, FIRST_SDK), LAST_SDK] : [sdk, sdk];
  const hybrid = hybridFrom(block, maxSdk);
  const signers = signersBySdk(block, minSdk, hybrid === undefined ? maxSdk : Math.max(minSdk, hybrid - 1));
  if (signers instanceof Rejection) return signers;
  partial.schemes = schemesOf(signers);
  partial.signers = signers.ranges;

  const local = new LocalHeaders(entries.values(), entriesEnd);
  const sha256 = await checkContent(reader, layout, block, signers, local);
  if (sha256 instanceof Rejection) return sha256;
  if (hybrid !== undefined) return hybridUnsupported(minSdk, hybrid);
  return {
    ...facts,
    sizeBytes: reader.size,
    sha256,
    schemes: schemesOf(signers),
    signers: signers.ranges,
    concerns: installConcerns(facts, flags, entries, local.findings()),
  };
}

/** Reads the manifest facts of a file with a broken signing block into `partial`, if they can be read. */
async function readClaims(
  reader: ByteReader,
  layout: ZipLayout,
  partial: Partial<ManifestFacts>,
): Promise<void> {
  const entries = await readZipEntries(reader, layout);
  if (entries instanceof Rejection) return;
  await readManifestEntry(reader, entries, layout.directoryOffset, partial);
}

/** The first SDK up to `maxSdk` that prefers a v3.2 signature of this APK; `undefined` if it has none. */
function hybridFrom(block: SigningBlock, maxSdk: number): number | undefined {
  return maxSdk >= FIRST_V32_SDK && block.pairs.has(V32_BLOCK_ID) ? FIRST_V32_SDK : undefined;
}

function hybridUnsupported(minSdk: number, hybrid: number): Rejection {
  const verified =
    minSdk < hybrid
      ? `the other signatures are valid for SDK ${minSdk} to ${hybrid - 1}`
      : 'the APK cannot be installed on an older SDK';
  return new Rejection(
    'scheme_unsupported',
    `the APK has a v3.2 (hybrid post-quantum) signature, which Android uses from SDK ${hybrid} and this verifier does not support; ${verified}`,
  );
}

async function readManifestEntry(
  reader: ByteReader,
  entries: ReadonlyMap<string, ZipEntry>,
  end: number,
  partial: Partial<ManifestFacts>,
): Promise<Manifest | Rejection> {
  const entry = entries.get(MANIFEST);
  if (entry === undefined)
    return otherPackage(entries) ?? new Rejection('manifest_missing', `the archive has no ${MANIFEST}`);
  if (entry.size > MAX_MANIFEST_SIZE || entry.compressedSize > MAX_MANIFEST_SIZE) {
    return new Rejection('manifest_too_large', `${MANIFEST} is larger than ${MAX_MANIFEST_SIZE} bytes`);
  }
  const bytes = await readZipEntry(reader, entry, end, MAX_MANIFEST_SIZE);
  if (bytes === undefined)
    return new Rejection(
      'manifest_malformed',
      `${MANIFEST} cannot be extracted from the archive: it is damaged`,
    );
  const manifest = readManifest(bytes, partial);
  return manifest instanceof Rejection ? (androidLibrary(entries) ?? manifest) : manifest;
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
  local: LocalHeaders,
): Promise<string | Rejection> {
  const wanted = new Set(expected.map(({ digest }) => digest));
  const blockSize = layout.directoryOffset - block.offset;
  if (wanted.has('verity-sha256') && (block.offset % VERITY_PAGE !== 0 || blockSize % VERITY_PAGE !== 0)) {
    return new Rejection(
      'verity_misaligned',
      `the APK Signing Block does not fill whole ${VERITY_PAGE}-byte pages, which fs-verity requires`,
    );
  }
  const actual = await digestFile(reader, { blockOffset: block.offset, ...layout }, wanted, (at, bytes) =>
    local.see(at, bytes),
  );
  for (const { digest, value } of expected) {
    if (actual.content.get(digest)?.equals(value) === true) continue;
    return new Rejection(
      'content_digest_mismatch',
      `the file changed after it was signed: its ${digest} digest differs`,
    );
  }
  return actual.sha256;
}
