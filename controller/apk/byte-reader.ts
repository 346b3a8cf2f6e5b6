/**
 * Random access to an APK's bytes. The verifier never asks for more than a few MiB at once, so a
 * reader over a file keeps memory flat whatever the APK's size.
 */
export interface ByteReader {
  /** Total size in bytes; must not change while the reader is in use. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes at `offset`. The caller keeps the buffer, so it must not be reused.
   * Rejects only for a real I/O error, a file that shrank included.
   */
  read(offset: number, length: number): Promise<Buffer>;
  /**
   * Fills `target` from `offset`, under the same terms. Optional: with it the pass over the whole file
   * makes do with two buffers, where `read` leaves one per MiB to the garbage collector.
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
