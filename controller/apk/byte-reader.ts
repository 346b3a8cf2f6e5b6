/**
 * Random access to the bytes of an APK. The verifier never asks for more than a few MiB at once, so
 * memory does not grow with the size of the file.
 */
export interface ByteReader {
  /** Total size in bytes; must not change while the reader is in use. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes at `offset`. The caller keeps the buffer, so it must not be reused.
   * Rejects only for an I/O error. A file that became shorter counts as one.
   */
  read(offset: number, length: number): Promise<Buffer>;
  /**
   * Fills `target` with the bytes from `offset` on; rejects like `read`. Optional: it lets the pass over the
   * whole file reuse two buffers, while `read` allocates one per MiB.
   */
  readInto?(target: Buffer, offset: number): Promise<void>;
}

/** A reader over bytes already in memory. */
export function bufferReader(bytes: Buffer): ByteReader {
  return {
    size: bytes.length,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length) {
        throw new RangeError(`read of ${length} bytes at ${offset} is outside ${bytes.length} bytes`);
      }
      return bytes.subarray(offset, offset + length);
    },
  };
}
