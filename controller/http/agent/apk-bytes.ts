/** The bytes of a stored APK, piece by piece: from memory when it is small enough, else from disk. */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { Fault } from '../../domain/fault.ts';
import type { Sha256 } from '../../domain/ids.ts';
import type { Artifacts } from '../../ports/index.ts';

/** For an APK in memory, where a piece needs no memory of its own. */
export const PIECE_BYTES = 1_048_576;
/** For an APK on disk: each running download holds one piece in memory. */
const FILE_PIECE_BYTES = 524_288;
const HELD_APKS = 2;

export interface ApkBytes {
  readonly sizeBytes: number;
  /** From `start` to `end`, both included. A piece is valid until the next is requested. The file is always closed. */
  pieces(start: number, end: number): AsyncIterable<Buffer>;
}

export type OpenApk = (sha256: Sha256) => Promise<ApkBytes | undefined>;

async function* slices(bytes: Buffer, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at <= end; at += PIECE_BYTES)
    yield bytes.subarray(at, Math.min(at + PIECE_BYTES, end + 1));
}

/** Fills the whole piece, over several reads if needed. Fault `artifact_truncated` when the file is too short. */
async function fill(file: FileHandle, piece: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < piece.length; ) {
    const { bytesRead } = await file.read(piece, filled, piece.length - filled, position + filled);
    if (bytesRead === 0)
      throw new Fault('artifact_truncated', 'a stored APK was truncated while it was sent', {
        retry: 'never',
      });
    filled += bytesRead;
  }
}

/** Reuses one buffer per download: allocating a new one for each piece costs more than the read. */
async function* filePieces(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(FILE_PIECE_BYTES, end + 1 - start));
    for (let at = start; at <= end; ) {
      const piece = buffer.subarray(0, end + 1 - at);
      await fill(file, piece, at);
      yield piece;
      at += piece.length;
    }
  } finally {
    await file.close();
  }
}

/** Undefined when the file has been deleted since its path was looked up. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Memory holds the two APKs of up to `memoryApkBytes` that were downloaded last, usually current and last_safe. The
 * path is looked up for each download, so an APK whose file is gone is not served from memory either.
 */
export function makeOpenApk(artifacts: Artifacts, memoryApkBytes: number): OpenApk {
  const held = new LRUCache<Sha256, Buffer, string>({
    max: HELD_APKS,
    fetchMethod: async (_sha256, _stale, { context }) => readFile(context),
  });
  return async sha256 => {
    const path = await artifacts.path(sha256);
    if (path === undefined) {
      held.delete(sha256);
      return undefined;
    }
    const size = await sizeOf(path);
    if (size === undefined) return undefined;
    if (size > memoryApkBytes)
      return { sizeBytes: size, pieces: (start, end) => filePieces(path, start, end) };
    const bytes = await held.fetch(sha256, { context: path });
    if (bytes === undefined) return undefined;
    return { sizeBytes: bytes.length, pieces: (start, end) => slices(bytes, start, end) };
  };
}
