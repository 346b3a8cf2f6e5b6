import { crc32, inflateRawSync } from 'node:zlib';
import type { ByteReader } from './byte-reader.ts';
import { Rejection } from './rejection.ts';
import type { ZipLayout } from './zip-layout.ts';

/** One file in the archive, as the central directory describes it. */
export interface ZipEntry {
  name: string;
  method: number;
  crc: number;
  compressedSize: number;
  size: number;
  headerOffset: number;
}

const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_SIZE = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_SIZE = 30;
export const STORED = 0;
export const DEFLATED = 8;
/** 65,535 entries with names of usual length take a tenth of this. */
const MAX_DIRECTORY_SIZE = 16 * 1024 * 1024;

/**
 * Reads the central directory. Like Android's ZIP reader it refuses a name that appears twice,
 * because two readers could pick different entries.
 * Source: PKWARE APPNOTE §4.3.12
 */
export async function readZipEntries(
  reader: ByteReader,
  layout: ZipLayout,
): Promise<Map<string, ZipEntry> | Rejection> {
  if (layout.directorySize > MAX_DIRECTORY_SIZE) {
    return new Rejection(
      'zip_directory_too_large',
      `the central directory is larger than ${MAX_DIRECTORY_SIZE} bytes`,
    );
  }
  const bytes = await reader.read(layout.directoryOffset, layout.directorySize);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let index = 0; index < layout.entryCount; index += 1) {
    if (at + ENTRY_SIZE > bytes.length || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) {
      return new Rejection('zip_malformed', `entry ${index + 1} of the central directory is malformed`);
    }
    const nameEnd = at + ENTRY_SIZE + bytes.readUInt16LE(at + 28);
    const end = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (end > bytes.length) {
      return new Rejection('zip_malformed', `entry ${index + 1} runs past the end of the central directory`);
    }
    // latin1 maps every byte to one character, so two different names never become equal.
    const name = bytes.toString('latin1', at + ENTRY_SIZE, nameEnd);
    if (entries.has(name)) {
      return new Rejection(
        'zip_duplicate_entry',
        `two entries of the archive are named ${JSON.stringify(name)}`,
      );
    }
    entries.set(name, {
      name,
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      compressedSize: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      headerOffset: bytes.readUInt32LE(at + 42),
    });
    at = end;
  }
  if (at !== bytes.length) {
    return new Rejection('zip_malformed', 'the central directory holds more than its count of entries');
  }
  return entries;
}

/**
 * Reads the content of an entry; `end` is the offset at which the entries end. Returns `undefined` if the
 * entry is malformed, damaged or larger than `maxSize`. The declared size is checked before anything is read.
 */
export async function readZipEntry(
  reader: ByteReader,
  entry: ZipEntry,
  end: number,
  maxSize: number,
): Promise<Buffer | undefined> {
  if (entry.size > maxSize || entry.compressedSize > maxSize) return undefined;
  if (entry.headerOffset + LOCAL_SIZE > end) return undefined;
  const header = await reader.read(entry.headerOffset, LOCAL_SIZE);
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE || header.readUInt16LE(8) !== entry.method) return undefined;
  const nameStart = entry.headerOffset + LOCAL_SIZE;
  const nameLength = header.readUInt16LE(26);
  const start = nameStart + nameLength + header.readUInt16LE(28);
  if (start + entry.compressedSize > end) return undefined;
  const name = await reader.read(nameStart, nameLength);
  if (name.toString('latin1') !== entry.name) return undefined;

  const content = decompress(await reader.read(start, entry.compressedSize), entry);
  if (content === undefined || content.length !== entry.size || crc32(content) !== entry.crc)
    return undefined;
  return content;
}

function decompress(bytes: Buffer, entry: ZipEntry): Buffer | undefined {
  if (entry.method === STORED) return bytes;
  if (entry.method !== DEFLATED) return undefined;
  try {
    // With `info` Node also returns the engine, but Node's types leave it out.
    const { buffer, engine } = inflateRawSync(bytes, {
      info: true,
      maxOutputLength: Math.max(entry.size, 1),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    // As on Android, compressed data that ends before its declared end is damaged.
    return engine.bytesWritten === bytes.length ? buffer : undefined;
  } catch {
    // zlib throws when the bytes are not deflated data or inflate to more than declared.
    return undefined;
  }
}
