/** The bytes of a stored APK, piece by piece: from memory when it is small enough, else from disk. */
import type { Stats } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { Fault } from '../../domain/fault.ts';
import type { Sha256 } from '../../domain/ids.ts';
import type { Build } from '../../domain/release.ts';
import type { Artifacts } from '../../ports/index.ts';

/** For an APK in memory, where a piece needs no memory of its own. */
const PIECE_BYTES = 1_048_576;
/** For an APK on disk: each running download holds one piece in memory. */
const FILE_PIECE_BYTES = 524_288;
const HELD_APKS = 2;

export interface ApkBytes {
  readonly sizeBytes: number;
  /** From `start` to `end`, both included. A piece is valid until the next is requested. The file is always closed. */
  pieces(start: number, end: number): AsyncIterable<Buffer>;
}

/** Undefined when the APK is not stored, or when its stored size differs from the size in its build. */
type OpenApk = (build: Pick<Build, 'sha256' | 'sizeBytes'>) => Promise<ApkBytes | undefined>;

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
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** An APK in memory, and the state of the file that it was read from. */
interface Held {
  readonly stamp: string;
  readonly bytes: Promise<Buffer>;
}

/**
 * Memory holds the two APKs of up to `memoryApkBytes` that were downloaded last, usually current and last_safe. Each
 * download checks the file first: if it is gone, has another size or was replaced, memory is not used.
 */
export function makeOpenApk(artifacts: Pick<Artifacts, 'path'>, memoryApkBytes: number): OpenApk {
  const held = new LRUCache<Sha256, Held>({ max: HELD_APKS });

  function inMemory(sha256: Sha256, path: string, stamp: string): Promise<Buffer> {
    const known = held.get(sha256);
    if (known?.stamp === stamp) return known.bytes;
    const fresh = { stamp, bytes: readFile(path) };
    held.set(sha256, fresh);
    // A file that could not be read is read again by the next download.
    fresh.bytes.catch(() => held.peek(sha256) === fresh && held.delete(sha256));
    return fresh.bytes;
  }

  return async ({ sha256, sizeBytes }) => {
    const path = await artifacts.path(sha256);
    const stats = path === undefined ? undefined : await statOf(path);
    if (path === undefined || stats?.size !== sizeBytes) {
      held.delete(sha256);
      return undefined;
    }
    if (sizeBytes > memoryApkBytes)
      return { sizeBytes, pieces: (start, end) => filePieces(path, start, end) };
    const bytes = await inMemory(sha256, path, `${stats.ino} ${stats.ctimeMs} ${stats.mtimeMs}`);
    if (bytes.length !== sizeBytes) return undefined;
    return { sizeBytes, pieces: (start, end) => slices(bytes, start, end) };
  };
}
