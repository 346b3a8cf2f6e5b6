/**
 * APKs on disk, each named by its own hash. Bytes go to a temporary file, where they are counted, hashed, synced and
 * inspected. Only then is the file renamed, so it is never visible half written. A failed upload leaves nothing behind.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { HOUR_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports/index.ts';
import { errnoOf, faulted } from './fault.ts';
import {
  ensureFolder,
  fileOf,
  hashOf,
  listed,
  regular,
  removeIfThere,
  type StoredFile,
  syncFolder,
  writeWhole,
} from './files.ts';
import { makeQuota, type Reservation } from './quota.ts';

interface DiskOptions {
  /** Created when its parent exists. */
  readonly folder: string;
  /** Disk space for all APKs. */
  readonly quotaBytes: number;
  /** Judges a complete file before it is renamed; rejects with a Fault `artifact_rejected`. */
  readonly inspect: (file: string, sha256: Sha256) => Promise<void>;
  /** Wall time: the age of an APK counts from its last upload. */
  readonly nowMs: () => number;
}

const INCOMING = '.incoming-';

/** Younger files are kept: another controller that shares the folder may be writing them. */
const LEFT_FOR_MS = HOUR_MS;

/** Removes the remains of uploads that were killed. */
async function sweep(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(INCOMING)) continue;
    const stats = await regular(path.join(folder, name));
    if (stats !== undefined && nowMs - stats.mtimeMs >= LEFT_FOR_MS)
      await rm(path.join(folder, name), { force: true });
  }
}

/** Opens the folder and removes the remains of uploads that were killed. Fault `artifact_folder_unwritable`. */
export async function openDiskArtifacts(options: DiskOptions): Promise<Artifacts> {
  const { folder } = options;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK | constants.X_OK);
    await sweep(folder, options.nowMs());
  } catch (cause) {
    throw new Fault(
      'artifact_folder_unwritable',
      `the artifact folder ${folder} cannot be written (${errnoOf(cause)})`,
      { retry: 'never', cause },
    );
  }
  const bare = diskArtifacts(options, sizesOf(await listed(folder)));
  return {
    put: (...args) => faulted(() => bare.put(...args)),
    path: sha256 => faulted(() => bare.path(sha256)),
    has: sha256 => faulted(() => bare.has(sha256)),
    check: sha256 => faulted(() => bare.check(sha256)),
    list: () => faulted(bare.list),
    collect: (...args) => faulted(() => bare.collect(...args)),
    delete: sha256 => faulted(() => bare.delete(sha256)),
    usedBytes: bare.usedBytes,
  };
}

const sizesOf = (files: readonly StoredFile[]): Map<Sha256, number> =>
  new Map(files.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));

function diskArtifacts(options: DiskOptions, sizes: ReadonlyMap<Sha256, number>): Artifacts {
  const { folder, nowMs } = options;
  const quota = makeQuota(options.quotaBytes, sizes);
  const has = async (sha256: Sha256): Promise<boolean> =>
    (await regular(fileOf(folder, sha256))) !== undefined;

  /** Files are named, renewed and deleted one at a time. */
  let naming: Promise<unknown> = Promise.resolve();
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = naming.then(work, work);
    naming = done.catch(() => undefined); // its own caller sees the error
    return done;
  }

  /** Makes a stored APK as young as a new one, so that it is not collected. False when it is not stored. */
  const renew = (sha256: Sha256): Promise<boolean> =>
    alone(async () => {
      if (!(await has(sha256))) return false;
      const now = nowMs() / 1000;
      await utimes(fileOf(folder, sha256), now, now);
      return true;
    });

  async function check(sha256: Sha256): Promise<'intact' | 'damaged' | 'missing'> {
    if (!(await has(sha256))) return 'missing';
    return (await hashOf(fileOf(folder, sha256))) === sha256 ? 'intact' : 'damaged';
  }

  async function receiveInto(
    temporary: string,
    sha256: Sha256,
    body: AsyncIterable<Buffer>,
    maxBytes: number,
    space: Reservation,
  ): Promise<number> {
    const file = await open(temporary, 'wx', 0o600);
    try {
      const sizeBytes = await receive(sha256, body, maxBytes, async piece => {
        space.add(piece.length);
        await writeWhole(file, piece);
      });
      const now = nowMs() / 1000;
      await file.utimes(now, now);
      await file.sync();
      return sizeBytes;
    } finally {
      await file.close();
    }
  }

  async function store(sha256: Sha256, body: AsyncIterable<Buffer>, maxBytes: number): Promise<number> {
    const temporary = path.join(folder, INCOMING + randomUUID());
    await ensureFolder(folder);
    quota.recount(sizesOf(await listed(folder)));
    const space = quota.reserve(sha256);
    try {
      const sizeBytes = await receiveInto(temporary, sha256, body, maxBytes, space);
      await options.inspect(temporary, sha256);
      await alone(() => rename(temporary, fileOf(folder, sha256)));
      space.keep();
      await syncFolder(folder);
      return sizeBytes;
    } finally {
      space.release();
      await removeIfThere(temporary);
    }
  }

  return {
    put: async (sha256, body, maxBytes) => {
      // Renewed before the body arrives: an APK must not be collected while it is being uploaded again.
      const stored = await renew(sha256);
      const intact = stored && (await check(sha256)) === 'intact';
      const sizeBytes = intact
        ? await receive(sha256, body, maxBytes, async () => undefined)
        : await store(sha256, body, maxBytes);
      return { sha256, sizeBytes, created: !stored, repaired: stored && !intact };
    },
    path: async sha256 => ((await has(sha256)) ? path.resolve(fileOf(folder, sha256)) : undefined),
    has,
    check,
    list: () => listed(folder),
    collect: async (keep, storedBeforeMs, mayDelete) => {
      await sweep(folder, nowMs());
      const gone: Sha256[] = [];
      for (const { sha256 } of await listed(folder)) {
        if (keep.has(sha256)) continue;
        await alone(async () => {
          const stats = await regular(fileOf(folder, sha256));
          if (stats === undefined || stats.mtimeMs >= storedBeforeMs) return;
          await mayDelete?.();
          await rm(fileOf(folder, sha256), { force: true });
          quota.count(sha256, undefined);
          gone.push(sha256);
        });
      }
      return gone;
    },
    delete: sha256 =>
      alone(async () => {
        const stats = await regular(fileOf(folder, sha256));
        if (stats === undefined) return undefined;
        await rm(fileOf(folder, sha256), { force: true });
        quota.count(sha256, undefined);
        return stats.size;
      }),
    usedBytes: async () => quota.usedBytes,
  };
}

/** Counts and hashes the body while `take` gets each piece. Returns the size; Faults `too_large`, `sha256_mismatch`. */
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
    throw new Fault(
      'sha256_mismatch',
      `the ${sizeBytes} bytes received do not have this sha256; send the file again`,
      { retry: 'never' },
    );
  return sizeBytes;
}
