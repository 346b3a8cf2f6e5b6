/** The string pool of a binary XML file. Strings are decoded one at a time. */
export interface StringPool {
  /**
   * The string with that index; `undefined` if there is none, if it runs past the pool, or if it takes more
   * than `maxBytes`. Strings can overlap, so without that limit a small pool could decode to gigabytes.
   */
  get(index: number, maxBytes: number): string | undefined;
}

const HEADER_SIZE = 28;
const UTF8_FLAG = 0x100;

/** An empty pool. */
export const NO_STRINGS: StringPool = { get: () => undefined };

/**
 * Opens the pool in one chunk. `chunk` includes the chunk header.
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

/** Two lengths of one or two bytes each: first in characters, then in bytes. Only the second is used. */
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
