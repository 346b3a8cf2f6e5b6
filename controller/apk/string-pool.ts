/** A string pool of a binary XML file, decoded one string at a time. */
export interface StringPool {
  /** The string of that index, or `undefined` when there is none or it runs past the pool. */
  get(index: number): string | undefined;
}

const HEADER_SIZE = 28;
const UTF8_FLAG = 0x100;

/** An empty pool: every index is unknown. */
export const NO_STRINGS: StringPool = { get: () => undefined };

/**
 * Opens the pool held in one chunk, its header included.
 * Source: AOSP frameworks/base ResourceTypes.h, `ResStringPool_header`.
 */
export function openStringPool(chunk: Buffer): StringPool | undefined {
  if (chunk.length < HEADER_SIZE) return undefined;
  const headerSize = chunk.readUInt16LE(2);
  const count = chunk.readUInt32LE(8);
  const isUtf8 = (chunk.readUInt32LE(16) & UTF8_FLAG) !== 0;
  const stringsStart = chunk.readUInt32LE(20);
  if (headerSize < HEADER_SIZE || headerSize + count * 4 > chunk.length || stringsStart > chunk.length) {
    return undefined;
  }
  return {
    get(index) {
      if (!Number.isInteger(index) || index < 0 || index >= count) return undefined;
      const at = stringsStart + chunk.readUInt32LE(headerSize + index * 4);
      return isUtf8 ? readUtf8(chunk, at) : readUtf16(chunk, at);
    },
  };
}

/** Two lengths of one or two bytes each, characters and then bytes; only the latter is of use. */
function readUtf8(chunk: Buffer, at: number): string | undefined {
  const characters = readLength8(chunk, at);
  const bytes = characters && readLength8(chunk, characters.end);
  if (bytes === undefined || bytes.end + bytes.length > chunk.length) return undefined;
  return chunk.toString('utf8', bytes.end, bytes.end + bytes.length);
}

function readLength8(chunk: Buffer, at: number): { length: number; end: number } | undefined {
  if (at + 2 > chunk.length) return undefined;
  const first = chunk.readUInt8(at);
  if ((first & 0x80) === 0) return { length: first, end: at + 1 };
  return { length: ((first & 0x7f) << 8) | chunk.readUInt8(at + 1), end: at + 2 };
}

function readUtf16(chunk: Buffer, at: number): string | undefined {
  if (at + 4 > chunk.length) return undefined;
  const first = chunk.readUInt16LE(at);
  const isLong = (first & 0x8000) !== 0;
  const units = isLong ? (first & 0x7fff) * 0x10000 + chunk.readUInt16LE(at + 2) : first;
  const start = at + (isLong ? 4 : 2);
  return start + units * 2 > chunk.length ? undefined : chunk.toString('utf16le', start, start + units * 2);
}
