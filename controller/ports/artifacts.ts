/** Stored APKs by their SHA-256. */
import type { ArtifactUses } from '../domain/artifact-use.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Finding } from '../domain/problem.ts';
import type { Build } from '../domain/release.ts';

interface ArtifactUpload {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Nothing was stored under this name before. */
  readonly created: boolean;
  /** What was stored did not have this hash any more, and was replaced. */
  readonly repaired: boolean;
}

export interface Artifacts {
  /**
   * Streams to a temporary file, checks length and hash, fsyncs, renames. An APK that is already stored is read and
   * replaced when it is damaged; its age counts anew. Faults: `sha256_mismatch`, `too_large`, `quota_exceeded`, `disk_full`.
   */
  put(sha256: Sha256, body: AsyncIterable<Buffer>, maxBytes: number): Promise<ArtifactUpload>;
  /** Absolute path of a stored APK for streaming; undefined when it is not there. */
  path(sha256: Sha256): Promise<string | undefined>;
  has(sha256: Sha256): Promise<boolean>;
  /** Reads a stored APK and compares its hash with its name. */
  check(sha256: Sha256): Promise<'intact' | 'damaged' | 'missing'>;
  /** Sorted by name. */
  list(): Promise<{ sha256: Sha256; sizeBytes: number; storedAtMs: number }[]>;
  /** Deletes the APKs that are not in `keep` and were last uploaded before this time. */
  collect(keep: ReadonlySet<Sha256>, storedBeforeMs: number): Promise<Sha256[]>;
  /** The bytes that were freed; undefined when it was not stored. */
  delete(sha256: Sha256): Promise<number | undefined>;
  usedBytes(): Promise<number>;
}

/** Where an object store itself serves APKs. */
export interface ApkLinks {
  /** A URL that is good for a few minutes, and a secret; undefined if the APK is not stored. */
  link(sha256: Sha256): Promise<string | undefined>;
}

/** What the stored APKs say against builds that are about to be offered. */
export interface BuildExaminer {
  /** Findings at the builds' own files; empty when each build could be applied. */
  examine(builds: readonly Build[]): Promise<Finding[]>;
}

/** What names which APK; from the store alone. */
export interface ArtifactUseSource {
  /** Undefined before the first revision is applied: then nothing is known to be unused. */
  uses(): Promise<ArtifactUses | undefined>;
}
