import type { ByteReader } from './byte-reader.ts';
import { Cursor } from './cursor.ts';
import { Rejection } from './rejection.ts';
import type { ZipLayout } from './zip-layout.ts';

/** Ids of the pairs in an APK Signing Block that matter here. */
export const V2_BLOCK_ID = 0x7109871a;
export const V3_BLOCK_ID = 0xf05368c0;
export const V31_BLOCK_ID = 0x1b93ad61;
/** v3.2 combines a classic with a post-quantum signer. It is listed only so that the refusal can name it. */
export const V32_BLOCK_ID = 0x70e1c89f;

/** The APK Signing Block: everything between the ZIP entries and the central directory. */
export interface SigningBlock {
  /** Start of the block, which is also the end of the ZIP entries. */
  offset: number;
  /** The values of the ids above. Only the first pair with an id counts, and other ids are left out. */
  pairs: ReadonlyMap<number, Buffer>;
}

const KNOWN_IDS: readonly number[] = [V2_BLOCK_ID, V3_BLOCK_ID, V31_BLOCK_ID, V32_BLOCK_ID];
const MAGIC = Buffer.from('APK Sig Block 42', 'latin1');
/** u64 size + 16 bytes of magic. */
const FOOTER_SIZE = 24;
const HEADER_SIZE = 8;
/** Real blocks take kilobytes. The limit keeps a hostile block from filling the memory. */
const MAX_BLOCK_SIZE = 8 * 1024 * 1024;

/**
 * Reads the block that ends where the central directory starts; `undefined` if there is none.
 * Source: https://source.android.com/docs/security/features/apksigning/v2#apk-signing-block
 */
export async function readSigningBlock(
  reader: ByteReader,
  layout: ZipLayout,
): Promise<SigningBlock | Rejection | undefined> {
  const end = layout.directoryOffset;
  if (end < HEADER_SIZE + FOOTER_SIZE) return undefined;
  const footer = await reader.read(end - FOOTER_SIZE, FOOTER_SIZE);
  if (!footer.subarray(8).equals(MAGIC)) return undefined;

  const size = new Cursor(footer).u64();
  if (size < FOOTER_SIZE || size > end - HEADER_SIZE) {
    return malformed('its footer gives a size that does not fit in the file');
  }
  if (size > MAX_BLOCK_SIZE) {
    return new Rejection(
      'signing_block_too_large',
      `the APK Signing Block is larger than ${MAX_BLOCK_SIZE} bytes`,
    );
  }
  const offset = end - size - HEADER_SIZE;
  const block = await reader.read(offset, size + HEADER_SIZE);
  if (!block.subarray(0, 8).equals(footer.subarray(0, 8))) {
    return malformed('the sizes in its header and footer differ');
  }
  const pairs = readPairs(block.subarray(HEADER_SIZE, block.length - FOOTER_SIZE));
  return pairs instanceof Rejection ? pairs : { offset, pairs };
}

function readPairs(bytes: Buffer): Map<number, Buffer> | Rejection {
  const pairs = new Map<number, Buffer>();
  const cursor = new Cursor(bytes);
  while (cursor.remaining > 0) {
    const length = cursor.u64();
    if (length < 4) return malformed('a pair is too short to hold an id');
    const pair = cursor.take(length);
    if (cursor.overrun) return malformed('a pair runs past the end of the block');
    const id = pair.readUInt32LE(0);
    if (KNOWN_IDS.includes(id) && !pairs.has(id)) pairs.set(id, pair.subarray(4));
  }
  return pairs;
}

function malformed(why: string): Rejection {
  return new Rejection('signing_block_malformed', `the APK Signing Block is malformed: ${why}`);
}
