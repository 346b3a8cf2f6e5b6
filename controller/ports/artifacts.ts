/** Stored APKs by their SHA-256. */
import type { Sha256 } from '../domain/ids.ts';

export interface ArtifactUpload {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

export interface Artifacts {
  /** Streams to a temporary file, checks length and hash, fsyncs, renames. Faults: `sha256_mismatch`, `too_large`, `quota_exceeded`, `disk_full`. */
  put(
    sha256: Sha256,
    body: AsyncIterable<Buffer>,
    maxBytes: number,
  ): Promise<ArtifactUpload & { created: boolean }>;
  /** Absolute path of a stored APK for streaming; undefined when it is not there. */
  path(sha256: Sha256): Promise<string | undefined>;
  has(sha256: Sha256): Promise<boolean>;
  list(): Promise<{ sha256: Sha256; sizeBytes: number; storedAtMs: number }[]>;
  /** Deletes what no name in `keep` refers to and is older than `olderThanMs`. */
  collect(keep: ReadonlySet<Sha256>, storedBeforeMs: number): Promise<Sha256[]>;
  usedBytes(): Promise<number>;
}
