import type { ByteReader } from './byte-reader.ts';
import { Rejection } from './rejection.ts';

/** Where the parts of the file are. All offsets are in bytes from the start of the file. */
export interface ZipLayout {
  directoryOffset: number;
  directorySize: number;
  entryCount: number;
  /** Start of the end-of-central-directory record, which reaches to the end of the file. */
  endOffset: number;
}

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_SIZE = 20;
/** Offsets in a ZIP without the 64-bit extension are 32 bits wide. */
const MAX_FILE = 0xffffffff;

/**
 * Finds the end record and checks that the central directory ends exactly where it begins.
 * Source: https://source.android.com/docs/security/features/apksigning/v2 and PKWARE's APPNOTE §4.3.16.
 */
export async function findZipLayout(reader: ByteReader): Promise<ZipLayout | Rejection> {
  if (reader.size > MAX_FILE) return new Rejection('file_too_large', 'the file is larger than 4 GiB');
  const tailSize = Math.min(reader.size, MAX_COMMENT + END_SIZE + ZIP64_LOCATOR_SIZE);
  const tail = await reader.read(reader.size - tailSize, tailSize);
  const end = findEnd(tail);
  if (end instanceof Rejection) return end;

  const locator = end - ZIP64_LOCATOR_SIZE;
  if (locator >= 0 && tail.readUInt32LE(locator) === ZIP64_LOCATOR_SIGNATURE) {
    return new Rejection('zip64_unsupported', 'the file is a ZIP64 archive, which Android does not install');
  }
  const endOffset = reader.size - tailSize + end;
  const entryCount = tail.readUInt16LE(end + 10);
  const directorySize = tail.readUInt32LE(end + 12);
  const directoryOffset = tail.readUInt32LE(end + 16);
  if (directoryOffset + directorySize !== endOffset) {
    return new Rejection(
      'zip_directory_misplaced',
      `the central directory takes bytes ${directoryOffset} to ${directoryOffset + directorySize}, but the end record starts at ${endOffset}`,
    );
  }
  return { directoryOffset, directorySize, entryCount, endOffset };
}

/**
 * Finds the last end record; its comment must reach exactly to the end of the file. Android's ZIP reader
 * takes the last record, and its signature check takes the first one that fits. A file in which these
 * differ is refused, because one archive would be verified and another installed.
 */
function findEnd(tail: Buffer): number | Rejection {
  for (let at = tail.length - END_SIZE; at >= 0; at -= 1) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    if (at + END_SIZE + tail.readUInt16LE(at + 20) === tail.length) return at;
    return new Rejection('not_a_zip', 'the length of the ZIP comment does not match the end of the file');
  }
  return new Rejection('not_a_zip', 'there is no ZIP end-of-central-directory record');
}
