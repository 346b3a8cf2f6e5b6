/** Stored APKs by their SHA-256. */
import type { ArtifactUses } from '../domain/artifact-use.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Finding } from '../domain/problem.ts';
import type { Build } from '../domain/release.ts';

interface ArtifactUpload {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** True if nothing was stored under this name before. */
  readonly created: boolean;
  /** True if the stored file no longer had this hash and was replaced. */
  readonly repaired: boolean;
}

export interface Artifacts {
  /**
   * Streams to a temporary file, checks length and hash, fsyncs, renames. If the APK is already stored, it is read, and
   * replaced if damaged. Its age starts again at zero. Faults: `sha256_mismatch`, `too_large`, `quota_exceeded`, `disk_full`.
   */
  put(sha256: Sha256, body: AsyncIterable<Buffer>, maxBytes: number): Promise<ArtifactUpload>;
  /** Absolute path of a stored APK, for streaming. Undefined if it is not stored. */
  path(sha256: Sha256): Promise<string | undefined>;
  has(sha256: Sha256): Promise<boolean>;
  /** Reads a stored APK and compares its hash with its name. */
  check(sha256: Sha256): Promise<'intact' | 'damaged' | 'missing'>;
  /** Sorted by name. */
  list(): Promise<{ sha256: Sha256; sizeBytes: number; storedAtMs: number }[]>;
  /** Deletes the APKs that are not in `keep` and were last uploaded before this time. */
  collect(
    keep: ReadonlySet<Sha256>,
    storedBeforeMs: number,
    /** Asked before each deletion; what it throws ends the collection. Default: nothing is asked. */
    mayDelete?: () => Promise<void>,
  ): Promise<Sha256[]>;
  /** Returns the freed bytes, or undefined if the APK was not stored. */
  delete(sha256: Sha256): Promise<number | undefined>;
  usedBytes(): Promise<number>;
}

/** Links for devices that download APKs directly from an object store. */
export interface ApkLinks {
  /** A URL that is valid for a few minutes and must be kept secret. Undefined if the APK is not stored. */
  link(sha256: Sha256): Promise<string | undefined>;
}

/** Checks new builds against the stored APKs before they are offered. */
export interface BuildExaminer {
  /** Findings that point at the build files. Empty when every build can be applied. */
  examine(builds: readonly Build[]): Promise<Finding[]>;
}

/** Which APKs are referenced, and by what. Reads the store only. */
export interface ArtifactUseSource {
  /** Undefined before the first revision is applied, because no APK can be called unused yet. */
  uses(): Promise<ArtifactUses | undefined>;
}
