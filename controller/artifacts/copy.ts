/**
 * Copies stored APKs between folders and buckets. Each is read, hashed and compared. APKs that the target already has
 * are left alone.
 */
import { createReadStream } from 'node:fs';
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports/index.ts';
import type { Bucket } from './bucket.ts';

/** One end of a copy. */
export interface ApkPlace {
  list(): Promise<readonly { readonly sha256: Sha256; readonly sizeBytes: number }[]>;
  /** A file with these very bytes, until {@link release}; undefined if they are damaged or gone. */
  fileOf(sha256: Sha256, sizeBytes: number): Promise<string | undefined>;
  release(sha256: Sha256): Promise<void>;
  take(sha256: Sha256, file: string, sizeBytes: number): Promise<void>;
  /** The installation that owns these APKs; undefined if unknown. */
  owner(): Promise<string | undefined>;
  claim(owner: string): Promise<void>;
}

/** A folder in the controller's own layout. */
export const folderPlace = (apks: Artifacts): ApkPlace => ({
  list: () => apks.list(),
  fileOf: async sha256 => ((await apks.check(sha256)) === 'intact' ? apks.path(sha256) : undefined),
  release: async () => undefined,
  take: async (sha256, file, sizeBytes) => {
    await apks.put(sha256, createReadStream(file) as AsyncIterable<Buffer>, sizeBytes);
  },
  owner: async () => undefined,
  claim: async () => undefined,
});

/** `staging`: an empty folder for objects on their way. */
export const bucketPlace = (bucket: Bucket, staging: Artifacts): ApkPlace => ({
  list: bucket.list,
  fileOf: async (sha256, sizeBytes) => {
    const body = await bucket.read(sha256);
    if (body === undefined) return undefined;
    try {
      await staging.put(sha256, body, sizeBytes);
    } catch (error) {
      if (error instanceof Fault && ['sha256_mismatch', 'too_large'].includes(error.code)) return undefined;
      throw error;
    }
    return staging.path(sha256);
  },
  release: async sha256 => {
    await staging.delete(sha256);
  },
  take: async (sha256, file, sizeBytes) => {
    await bucket.put(sha256, file, sizeBytes);
    if ((await bucket.head(sha256))?.sizeBytes !== sizeBytes)
      throw new Fault('object_store_failed', 'the object store holds another size than was sent', {
        retry: 'backoff',
      });
  },
  owner: bucket.owner,
  claim: bucket.claim,
});

export type CopiedApk = {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly result: 'copied' | 'present' | 'damaged';
};

/** Faults `artifacts_not_ours` and those of both places. APKs that were copied before a fault stay. */
export async function copyApks(
  from: ApkPlace,
  to: ApkPlace,
  onCopied: (one: CopiedApk) => void,
): Promise<readonly CopiedApk[]> {
  const [ours, theirs] = [await from.owner(), await to.owner()];
  if (ours !== undefined && theirs !== undefined && ours !== theirs)
    throw new Fault(
      'artifacts_not_ours',
      'the bucket at --to holds the APKs of another installation: give each its own prefix',
      { retry: 'never' },
    );
  const there = new Map((await to.list()).map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
  const copied: CopiedApk[] = [];
  for (const { sha256, sizeBytes } of await from.list()) {
    const result: CopiedApk['result'] =
      there.get(sha256) === sizeBytes ? 'present' : await copyOne(from, to, sha256, sizeBytes);
    const one = { sha256, sizeBytes, result };
    copied.push(one);
    onCopied(one);
  }
  // Last: a bucket with a mark is whole.
  if (ours !== undefined && theirs === undefined) await to.claim(ours);
  return copied;
}

async function copyOne(
  from: ApkPlace,
  to: ApkPlace,
  sha256: Sha256,
  sizeBytes: number,
): Promise<'copied' | 'damaged'> {
  try {
    const file = await from.fileOf(sha256, sizeBytes);
    if (file === undefined) return 'damaged';
    await to.take(sha256, file, sizeBytes);
    return 'copied';
  } finally {
    await from.release(sha256);
  }
}
