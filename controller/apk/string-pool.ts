/** A string pool of a binary XML file, decoded one string at a time. */
export interface StringPool {
  /**
   * The string of that index; `undefined` when there is none, it runs past the pool, or it takes more
   * than `maxBytes`. Strings may overlap, so without that bound a small pool could hold gigabytes.
   */
  get(index: number, maxBytes: number): string | undefined;
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
    get(index, maxBytes) {
      if (!Number.isInteger(index) || index < 0 || index >= count) return undefined;
      const at = stringsStart + chunk.readUInt32LE(headerSize + index * 4);
      const text = isUtf8 ? locateUtf8(chunk, at) : locateUtf16(chunk, at);
      if (text === undefined || text.bytes > maxBytes || text.start + text.bytes > chunk.length)
        return undefined;
      return chunk.toString(isUtf8 ? 'utf8' : 'utf16le', text.start, text.start + text.bytes);
    },
  };
}

interface Location {
  start: number;
  bytes: number;
}

/** Two lengths of one or two bytes each, characters and then bytes; only the latter is of use. */
function locateUtf8(chunk: Buffer, at: number): Location | undefined {
  const characters = readLength8(chunk, at);
  return characters && readLength8(chunk, characters.start);
}

function readLength8(chunk: Buffer, at: number): Location | undefined {
  if (at + 2 > chunk.length) return undefined;
  const first = chunk.readUInt8(at);
  if ((first & 0x80) === 0) return { bytes: first, start: at + 1 };
  return { bytes: ((first & 0x7f) << 8) | chunk.readUInt8(at + 1), start: at + 2 };
}

function locateUtf16(chunk: Buffer, at: number): Location | undefined {
  if (at + 4 > chunk.length) return undefined;
  const first = chunk.readUInt16LE(at);
  if ((first & 0x8000) === 0) return { bytes: first * 2, start: at + 2 };
  return { bytes: ((first & 0x7fff) * 0x10000 + chunk.readUInt16LE(at + 2)) * 2, start: at + 4 };
}
