import { createHash, type Hash } from 'node:crypto';
import type { ContentDigest } from './algorithm.ts';
import type { ByteReader } from './byte-reader.ts';
import { VerityTree } from './verity.ts';

/** The parts of the file. Signatures cover all of them except the signing block. */
interface Sections {
  /** Start of the signing block, which is the end of the first covered section. */
  blockOffset: number;
  /** Start of the central directory. */
  directoryOffset: number;
  /** Start of the end record. */
  endOffset: number;
}

/** Result of one pass over the file. */
interface FileDigests {
  /** SHA-256 of every byte of the file, hex. */
  sha256: string;
  content: Map<ContentDigest, Buffer>;
}

const CHUNK_SIZE = 1024 * 1024;
/** Position, in the end record, of the directory's offset: the only covered field that signing changes. */
const DIRECTORY_OFFSET_FIELD = 16;

interface ContentHasher {
  /** Takes the next chunk: at most 1 MiB, and never across two sections. */
  add(chunk: Buffer): void;
  result(): Buffer;
}

/**
 * Reads the file once, in order, and computes its SHA-256 and the wanted content digests. `watch` sees the
 * bytes of the ZIP entries as they pass by, at most 1 MiB at once and cut at multiples of 1 MiB.
 * Source: https://source.android.com/docs/security/features/apksigning/v2#integrity-protected-contents
 */
export async function digestFile(
  reader: ByteReader,
  sections: Sections,
  wanted: ReadonlySet<ContentDigest>,
  watch: (offset: number, entries: Buffer) => void = () => undefined,
): Promise<FileDigests> {
  const whole = createHash('sha256');
  const hashers = [...wanted].map(digest => [digest, createHasher(digest, reader.size, sections)] as const);
  const chunks = chunksOf(reader.size, sections);
  const readChunk = chunkReader(reader);
  let next = readChunk(chunks[0]);
  for (const [index, chunk] of chunks.entries()) {
    const bytes = await next;
    // The next read starts before this chunk is hashed, so that disk and CPU work in parallel.
    next = readChunk(chunks[index + 1]);
    whole.update(bytes);
    if (chunk.offset < sections.blockOffset) watch(chunk.offset, bytes);
    if (!chunk.covered) continue;
    const signed = chunk.offset === sections.endOffset ? asBeforeSigning(bytes, sections.blockOffset) : bytes;
    for (const [, hasher] of hashers) hasher.add(signed);
  }
  return {
    sha256: whole.digest('hex'),
    content: new Map(hashers.map(([digest, hasher]) => [digest, hasher.result()])),
  };
}

interface Chunk {
  offset: number;
  length: number;
  covered: boolean;
}

function chunksOf(size: number, { blockOffset, directoryOffset, endOffset }: Sections): Chunk[] {
  return [
    ...cut(0, blockOffset, true),
    ...cut(blockOffset, directoryOffset, false),
    ...cut(directoryOffset, endOffset, true),
    ...cut(endOffset, size, true),
  ];
}

function cut(start: number, end: number, covered: boolean): Chunk[] {
  const chunks: Chunk[] = [];
  for (let offset = start; offset < end; offset += CHUNK_SIZE) {
    chunks.push({ offset, length: Math.min(CHUNK_SIZE, end - offset), covered });
  }
  return chunks;
}

/** Reads one chunk ahead. A returned buffer stays valid until the second read after it. */
function chunkReader(reader: ByteReader): (chunk: Chunk | undefined) => Promise<Buffer> {
  let [current, other] = [Buffer.alloc(0), Buffer.alloc(0)];
  const read = async ({ offset, length }: Chunk): Promise<Buffer> => {
    if (reader.readInto === undefined) return reader.read(offset, length);
    [current, other] = [other, current];
    if (current.length < length) current = Buffer.allocUnsafe(Math.min(CHUNK_SIZE, reader.size));
    const target = current.subarray(0, length);
    await reader.readInto(target, offset);
    return target;
  };
  return chunk => {
    if (chunk === undefined) return Promise.resolve(Buffer.alloc(0));
    const pending = read(chunk);
    // The caller awaits this later. Without a handler a failure in between would count as unhandled.
    pending.catch(() => undefined);
    return pending;
  };
}

function asBeforeSigning(endRecord: Buffer, blockOffset: number): Buffer {
  const copy = Buffer.from(endRecord);
  copy.writeUInt32LE(blockOffset, DIRECTORY_OFFSET_FIELD);
  return copy;
}

function createHasher(digest: ContentDigest, fileSize: number, sections: Sections): ContentHasher {
  if (digest !== 'verity-sha256') return chunkedHasher(digest === 'chunked-sha256' ? 'sha256' : 'sha512');
  const tree = new VerityTree();
  return {
    add: chunk => tree.update(chunk),
    result: () => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(fileSize - (sections.directoryOffset - sections.blockOffset)));
      return Buffer.concat([tree.root(), length]);
    },
  };
}

/** `H(0x5a ‖ u32 count ‖ H(0xa5 ‖ u32 length ‖ chunk)…)`. */
function chunkedHasher(algorithm: 'sha256' | 'sha512'): ContentHasher {
  const digests: Buffer[] = [];
  const prefixed = (tag: number, count: number): Hash => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt8(tag, 0);
    prefix.writeUInt32LE(count, 1);
    return createHash(algorithm).update(prefix);
  };
  return {
    add: chunk => {
      digests.push(prefixed(0xa5, chunk.length).update(chunk).digest());
    },
    result: () => prefixed(0x5a, digests.length).update(Buffer.concat(digests)).digest(),
  };
}
