/**
 * APKs on disk, each under the name of its own hash. A file is only ever seen whole: bytes go to a temporary file,
 * are counted, hashed, synced and inspected there, and are then renamed. Whatever goes wrong leaves nothing behind.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { isSha256, type Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports/index.ts';
import { errnoOf, faulted } from './fault.ts';

export interface DiskOptions {
  /** Created when its parent exists. */
  readonly folder: string;
  /** Disk space for all APKs. */
  readonly quotaBytes: number;
  /** Judges a complete file before it gets its name; rejects with a Fault `artifact_rejected`. */
  readonly inspect: (file: string, sha256: Sha256) => Promise<void>;
}

const SUFFIX = '.apk';
const INCOMING = '.incoming-';

/** Opens the folder and sweeps what an upload that was killed left there. Fault `artifact_folder_unwritable`. */
export async function openDiskArtifacts(options: DiskOptions): Promise<Artifacts> {
  const { folder } = options;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK | constants.X_OK);
    for (const name of await readdir(folder))
      if (name.startsWith(INCOMING)) await rm(path.join(folder, name), { force: true });
  } catch (cause) {
    throw new Fault(
      'artifact_folder_unwritable',
      `the artifact folder ${folder} cannot be written (${errnoOf(cause)})`,
      {
        retry: 'never',
        cause,
      },
    );
  }
  const bare = diskArtifacts(options, await usedIn(folder));
  return {
    put: (...args) => faulted(() => bare.put(...args)),
    path: sha256 => faulted(() => bare.path(sha256)),
    has: sha256 => faulted(() => bare.has(sha256)),
    list: () => faulted(bare.list),
    collect: (...args) => faulted(() => bare.collect(...args)),
    usedBytes: bare.usedBytes,
  };
}

async function usedIn(folder: string): Promise<number> {
  let used = 0;
  for (const { sizeBytes } of await listed(folder)) used += sizeBytes;
  return used;
}

async function listed(folder: string): Promise<{ sha256: Sha256; sizeBytes: number; storedAtMs: number }[]> {
  const found: { sha256: Sha256; sizeBytes: number; storedAtMs: number }[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const sha256 = name.slice(0, -SUFFIX.length);
    if (!name.endsWith(SUFFIX) || !isSha256(sha256)) continue;
    const stats = await statOf(path.join(folder, name));
    if (stats?.isFile()) found.push({ sha256, sizeBytes: stats.size, storedAtMs: stats.mtimeMs });
  }
  return found;
}

/** Undefined when there is no such file, or something else stands where its folder was. */
async function statOf(file: string) {
  try {
    return await stat(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function diskArtifacts({ folder, quotaBytes, inspect }: DiskOptions, usedAtStart: number): Artifacts {
  /** Stored bytes and those of uploads under way: two uploads cannot share the last free space. */
  let used = usedAtStart;
  const fileOf = (sha256: Sha256): string => {
    if (!isSha256(sha256)) throw new Error('assertion: an artifact is named by its sha256');
    return path.join(folder, sha256 + SUFFIX);
  };
  const sizeOf = async (sha256: Sha256): Promise<number | undefined> => {
    const stats = await statOf(fileOf(sha256));
    return stats?.isFile() ? stats.size : undefined;
  };

  /** Counts and hashes the body while `take` has each piece; the size when it is what it was announced as. */
  async function receive(
    sha256: Sha256,
    body: AsyncIterable<Buffer>,
    maxBytes: number,
    take: (piece: Buffer) => Promise<void>,
  ): Promise<number> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const piece of body) {
      sizeBytes += piece.length;
      if (sizeBytes > maxBytes)
        throw new Fault('too_large', `the APK is larger than ${maxBytes} bytes`, { retry: 'never' });
      hash.update(piece);
      await take(piece);
    }
    if (hash.digest('hex') !== sha256)
      throw new Fault('sha256_mismatch', `the ${sizeBytes} bytes received do not have this sha256`, {
        retry: 'never',
      });
    return sizeBytes;
  }

  /** Names are given one at a time. */
  let naming: Promise<unknown> = Promise.resolve();
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = naming.then(work, work);
    naming = done.catch(() => undefined); // told to whoever asked for it
    return done;
  }

  /** False when another upload of the same bytes came first: they replace each other and count once. */
  async function name(temporary: string, sha256: Sha256): Promise<boolean> {
    const first = (await sizeOf(sha256)) === undefined;
    await rename(temporary, fileOf(sha256));
    return first;
  }

  async function store(sha256: Sha256, body: AsyncIterable<Buffer>, maxBytes: number): Promise<number> {
    const temporary = path.join(folder, INCOMING + randomUUID());
    let reserved = 0;
    let kept = false;
    try {
      await mkdir(folder, { mode: 0o700 }).catch(alreadyThere);
      const file = await open(temporary, 'wx', 0o600);
      try {
        const take = async (piece: Buffer): Promise<void> => {
          if (used + piece.length > quotaBytes)
            throw new Fault('quota_exceeded', `the artifact store is full (${quotaBytes} bytes)`, {
              retry: 'never',
            });
          used += piece.length;
          reserved += piece.length;
          await writeWhole(file, piece);
        };
        await receive(sha256, body, maxBytes, take);
        await file.sync();
      } finally {
        await file.close();
      }
      await inspect(temporary, sha256);
      kept = await alone(() => name(temporary, sha256));
      await syncFolder(folder);
      return reserved;
    } finally {
      if (!kept) used -= reserved;
      await rm(temporary, { force: true }).catch(notThere);
    }
  }

  return {
    put: async (sha256, body, maxBytes) => {
      const known = await sizeOf(sha256);
      if (known !== undefined) {
        await receive(sha256, body, maxBytes, async () => undefined);
        return { sha256, sizeBytes: known, created: false };
      }
      return { sha256, sizeBytes: await store(sha256, body, maxBytes), created: true };
    },
    path: async sha256 => ((await sizeOf(sha256)) === undefined ? undefined : path.resolve(fileOf(sha256))),
    has: async sha256 => (await sizeOf(sha256)) !== undefined,
    list: () => listed(folder),
    collect: async (keep, storedBeforeMs) => {
      const gone: Sha256[] = [];
      for (const { sha256, sizeBytes, storedAtMs } of await listed(folder)) {
        if (keep.has(sha256) || storedAtMs >= storedBeforeMs) continue;
        await rm(fileOf(sha256), { force: true });
        used -= sizeBytes;
        gone.push(sha256);
      }
      return gone;
    },
    usedBytes: async () => used,
  };
}

function notThere(error: unknown): void {
  if (errnoOf(error) !== 'ENOTDIR') throw error;
}

/** The folder may have been deleted since; only its parent must be there. */
function alreadyThere(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error;
}

async function writeWhole(file: FileHandle, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
}

/** A rename is durable once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
