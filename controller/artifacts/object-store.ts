/**
 * APKs in a bucket, with a verified copy on the controller's disk of each that is in use. Devices are served from the
 * copies, under the same rules as without a bucket, also while the bucket cannot be reached. The bucket decides what is
 * stored: a copy of a deleted object is not served.
 */
import { stat } from 'node:fs/promises';
import { Fault, faultCode } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import { makeTurns } from '../domain/turns.ts';
import type { ApkLinks, Artifacts } from '../ports/index.ts';
import type { Bucket, StoredObject } from './bucket.ts';
import { hashIn } from './object-hash.ts';
import type { Tombstones } from './tombstones.ts';

interface ObjectStoreOptions {
  readonly bucket: Bucket;
  /** The copies on disk. This store also judges uploads. */
  readonly copies: Artifacts;
  readonly tombstones: Tombstones;
  /** For all APKs in the bucket. */
  readonly quotaBytes: number;
  /** Id of the installation that the bucket must belong to. */
  readonly owner: string;
  /** True if this controller moves the APKs of its disk into a new bucket. */
  readonly leads: () => boolean;
  readonly monotonicMs: () => number;
  /** Called when the copy of an APK has replaced a damaged object. */
  readonly onRepaired: (sha256: Sha256, sizeBytes: number) => void;
}

export interface ObjectStore extends Artifacts, ApkLinks {
  /** Sends the bucket a request that changes nothing. Faults of {@link Bucket}. */
  probe(): Promise<void>;
  /** Deletes copies that are not in use, but nothing in the bucket. */
  removeStray(keep: ReadonlySet<Sha256>, storedBeforeMs: number): Promise<void>;
}

/** How long an answer of the bucket is reused by other downloads. */
const KNOWN_FOR_MS = 5_000;
/** Long enough for a device to begin; a download that has begun may finish. */
const LINK_S = 300;

/** Faults `object_store_refused`, `artifacts_not_ours`. The controller starts even if the bucket cannot be reached. */
export async function openObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const store = objectStore(options);
  try {
    await store.probe();
  } catch (error) {
    if (faultCode(error) === 'object_store_unreachable') return store;
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.code, error.message, { retry: 'never', cause: error });
  }
  return store;
}

function objectStore(options: ObjectStoreOptions): ObjectStore {
  const { bucket, copies, tombstones, monotonicMs } = options;
  const heads = new Map<
    Sha256,
    { readonly atMs: number; readonly answer: Promise<StoredObject | undefined> }
  >();
  const fetching = new Map<Sha256, Promise<string | undefined>>();
  /** The tag of the object that each copy was made of. If the object is replaced, it is read again. */
  const tags = new Map<Sha256, string>();
  /** Objects whose bytes do not match their hash. */
  const spoilt = new Map<Sha256, string>();
  let usedBytes = 0;
  /** Objects are named and deleted one at a time. */
  const naming = makeTurns();
  let owned: Promise<void> | undefined;

  /** Checks the owner of the bucket before the first change. */
  function ours(): Promise<void> {
    owned ??= own().catch(error => {
      owned = undefined;
      throw error;
    });
    return owned;
  }

  async function own(): Promise<void> {
    const owner = await bucket.owner();
    if (owner === undefined && options.leads()) return moveIn();
    if (owner === undefined) {
      owned = undefined; // the controller that leads brings its APKs first
      return;
    }
    if (owner === options.owner) return;
    throw new Fault(
      'artifacts_not_ours',
      'the bucket that OTA_ARTIFACTS names holds the APKs of another installation: give each its own prefix',
      { retry: 'never' },
    );
  }

  /** Copies all APKs on disk to a new bucket. The bucket is marked as ours when it has all of them. */
  async function moveIn(): Promise<void> {
    for (const { sha256, sizeBytes } of await copies.list()) {
      const file = await copies.path(sha256);
      if (file !== undefined && (await copies.check(sha256)) === 'intact')
        await bucket.put(sha256, file, sizeBytes);
    }
    await bucket.claim(options.owner);
  }

  async function headOf(sha256: Sha256): Promise<StoredObject | undefined> {
    if (tombstones.has(sha256)) return undefined;
    const atMs = monotonicMs();
    const known = heads.get(sha256);
    if (known !== undefined && atMs - known.atMs < KNOWN_FOR_MS) return known.answer;
    const answer = bucket.head(sha256);
    heads.set(sha256, { atMs, answer });
    answer.catch(() => undefined); // whoever asks within that time is told the same
    return answer;
  }

  function fetchOnce(sha256: Sha256, found: StoredObject): Promise<string | undefined> {
    const running = fetching.get(sha256);
    if (running !== undefined) return running;
    const started = fetchCopy(sha256, found).finally(() => fetching.delete(sha256));
    fetching.set(sha256, started);
    return started;
  }

  /** Undefined when the object's bytes do not match its name: it is not served. */
  async function fetchCopy(sha256: Sha256, { sizeBytes, tag }: StoredObject): Promise<string | undefined> {
    const body = await bucket.read(sha256);
    if (body === undefined) return undefined;
    try {
      await copies.put(sha256, body, sizeBytes);
    } catch (error) {
      if (!OTHER_BYTES.has(faultCode(error))) throw error;
      spoilt.set(sha256, tag);
      return undefined;
    }
    tags.set(sha256, tag);
    return copies.path(sha256);
  }

  async function path(sha256: Sha256): Promise<string | undefined> {
    const copy = await copies.path(sha256);
    let found: StoredObject | undefined;
    try {
      found = await headOf(sha256);
    } catch (error) {
      // The bucket cannot be reached or refuses us: the last known state is still served.
      if (copy !== undefined && faultCode(error).startsWith('object_store_')) return copy;
      throw error;
    }
    if (found === undefined) return undefined;
    const { tag, sizeBytes } = found;
    if (spoilt.get(sha256) === tag) return undefined;
    if (copy === undefined || (await stat(copy)).size !== sizeBytes) {
      await copies.delete(sha256);
      return fetchOnce(sha256, found);
    }
    const isOther = (tags.get(sha256) ?? tag) !== tag;
    if (isOther && (await hashIn(bucket, sha256)) !== sha256) {
      spoilt.set(sha256, tag);
      return undefined;
    }
    tags.set(sha256, tag);
    return copy;
  }

  async function check(sha256: Sha256): Promise<'intact' | 'damaged' | 'missing'> {
    if ((await headOf(sha256)) === undefined) return 'missing';
    const hash = await hashIn(bucket, sha256);
    if (hash === undefined) return 'missing';
    if (hash !== sha256) return 'damaged';
    if ((await copies.check(sha256)) === 'damaged') await copies.delete(sha256);
    return 'intact';
  }

  const putIntact = (sha256: Sha256, file: string, sizeBytes: number): Promise<void> =>
    naming(async () => {
      await ours();
      const replaced = (await headOf(sha256))?.sizeBytes ?? 0;
      if (usedBytes + sizeBytes - replaced > options.quotaBytes)
        throw new Fault('quota_exceeded', `the artifact store is full (${options.quotaBytes} bytes)`, {
          retry: 'never',
        });
      await tombstones.clear(sha256);
      await bucket.put(sha256, file, sizeBytes);
      heads.delete(sha256);
      const stored = await bucket.head(sha256);
      if (stored?.sizeBytes !== sizeBytes)
        throw new Fault('object_store_failed', 'the object store holds another size than was sent', {
          retry: 'backoff',
        });
      tags.set(sha256, stored.tag);
      usedBytes += sizeBytes - replaced;
    });

  async function list(): ReturnType<Artifacts['list']> {
    const left = (await bucket.list()).filter(({ sha256 }) => !tombstones.has(sha256));
    usedBytes = left.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return left.map(({ sha256, sizeBytes, storedAtMs }) => ({ sha256, sizeBytes, storedAtMs }));
  }

  const bury = (sha256: Sha256): Promise<void> =>
    naming(async () => {
      await ours();
      await tombstones.set(sha256);
      heads.delete(sha256);
      await copies.delete(sha256);
    });

  async function deleteDue(mayDelete: () => Promise<void>): Promise<void> {
    for (const sha256 of tombstones.due())
      await naming(async () => {
        await mayDelete();
        if (!(await tombstones.claim(sha256))) return; // it was uploaded again
        await bucket.delete(sha256);
        await tombstones.done(sha256);
      });
  }

  return {
    probe: async () => {
      await ours();
      await list();
    },
    link: async sha256 => {
      try {
        const found = await headOf(sha256);
        const isGood = found !== undefined && spoilt.get(sha256) !== found.tag;
        return isGood ? await bucket.link(sha256, LINK_S) : undefined;
      } catch (error) {
        if (faultCode(error).startsWith('object_store_')) return undefined; // served from the copy
        throw error;
      }
    },
    removeStray: async (keep, storedBeforeMs) => {
      await copies.collect(keep, storedBeforeMs);
    },
    path,
    check: async sha256 => {
      const found = await check(sha256);
      const copy = found === 'damaged' ? await copies.path(sha256) : undefined;
      if (copy === undefined || (await copies.check(sha256)) !== 'intact') return found;
      const sizeBytes = (await copies.list()).find(c => c.sha256 === sha256)?.sizeBytes ?? 0;
      await putIntact(sha256, copy, sizeBytes);
      options.onRepaired(sha256, sizeBytes);
      return 'intact';
    },
    has: async sha256 => (await headOf(sha256)) !== undefined,
    put: async (sha256, body, maxBytes) => {
      await ours();
      const before = await headOf(sha256);
      const damaged = before !== undefined && (await hashIn(bucket, sha256)) !== sha256;
      const received = await copies.put(sha256, body, maxBytes);
      const file = await copies.path(sha256);
      if (file === undefined) throw new Error('assertion: what was stored just now is there');
      try {
        await putIntact(sha256, file, received.sizeBytes);
      } catch (error) {
        if (before === undefined) await copies.delete(sha256); // a copy of nothing
        throw error;
      }
      return {
        sha256,
        sizeBytes: received.sizeBytes,
        created: before === undefined,
        repaired: damaged,
      };
    },
    list,
    collect: async (keep, storedBeforeMs, mayDelete = async () => undefined) => {
      await deleteDue(mayDelete);
      const gone: Sha256[] = [];
      for (const { sha256, storedAtMs } of await list()) {
        if (keep.has(sha256) || storedAtMs >= storedBeforeMs) continue;
        await mayDelete();
        await bury(sha256);
        gone.push(sha256);
      }
      await copies.collect(keep, storedBeforeMs);
      return gone;
    },
    delete: async sha256 => {
      const found = await headOf(sha256);
      if (found === undefined) return undefined;
      await bury(sha256);
      usedBytes -= found.sizeBytes;
      return found.sizeBytes;
    },
    usedBytes: async () => usedBytes,
  };
}

/** The error of `put` for bytes that do not match their name. */
const OTHER_BYTES: ReadonlySet<string> = new Set(['sha256_mismatch', 'too_large']);
