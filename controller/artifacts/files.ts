/** What the artifact store asks of the file system. */
import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isSha256, type Sha256 } from '../domain/ids.ts';
import { errnoOf } from './fault.ts';

const SUFFIX = '.apk';
const READ_BYTES = 1_048_576;

export interface StoredFile {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly storedAtMs: number;
}

export function fileOf(folder: string, sha256: Sha256): string {
  if (!isSha256(sha256)) throw new Error('assertion: an artifact is named by its sha256');
  return path.join(folder, sha256 + SUFFIX);
}

/** Stored APKs, sorted by name; other files are left out. */
export async function listed(folder: string): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const sha256 = name.slice(0, -SUFFIX.length);
    if (!name.endsWith(SUFFIX) || !isSha256(sha256)) continue;
    const stats = await regular(path.join(folder, name));
    if (stats !== undefined) found.push({ sha256, sizeBytes: stats.size, storedAtMs: stats.mtimeMs });
  }
  return found;
}

/** Undefined when there is no such file, or when the folder was replaced by something else. */
export async function regular(file: string): Promise<Stats | undefined> {
  try {
    const stats = await stat(file);
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Hash of a file's bytes; undefined when the disk cannot read them. */
export async function hashOf(file: string): Promise<Sha256 | undefined> {
  const hash = createHash('sha256');
  try {
    const bytes = createReadStream(file, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
    for await (const piece of bytes) hash.update(piece);
  } catch (error) {
    if (errnoOf(error) === 'EIO') return undefined;
    throw error;
  }
  return hash.digest('hex');
}

/** The folder may have been deleted while the controller runs; only its parent must exist. */
export async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

export async function writeWhole(file: FileHandle, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
}

export async function removeIfThere(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw error;
  }
}

/** A rename is durable once its folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
