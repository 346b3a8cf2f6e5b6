/**
 * A forward reader over untrusted little-endian bytes. Reading past the end never throws: it yields
 * zeros and empty buffers, jumps to the end, and sets `overrun` for this cursor, its parents and its slices.
 * A parser reads a whole structure first and checks `overrun` once before it trusts any of it.
 */
export class Cursor {
  private readonly bytes: Buffer;
  private readonly shared: { overrun: boolean };
  private position = 0;

  constructor(bytes: Buffer, shared: { overrun: boolean } = { overrun: false }) {
    this.bytes = bytes;
    this.shared = shared;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** True once a read of this cursor, one of its parents or one of its slices went past the end. */
  get overrun(): boolean {
    return this.shared.overrun;
  }

  u32(): number {
    const at = this.advance(4);
    return at < 0 ? 0 : this.bytes.readUInt32LE(at);
  }

  i32(): number {
    const at = this.advance(4);
    return at < 0 ? 0 : this.bytes.readInt32LE(at);
  }

  /** A u64 length as a number. Values of 2^53 and above count as an overrun: nothing that long fits in a file. */
  u64(): number {
    const at = this.advance(8);
    if (at < 0) return 0;
    const high = this.bytes.readUInt32LE(at + 4);
    if (high >= 0x200000) return this.fail();
    return high * 0x1_0000_0000 + this.bytes.readUInt32LE(at);
  }

  take(length: number): Buffer {
    const at = this.advance(length);
    return at < 0 ? Buffer.alloc(0) : this.bytes.subarray(at, at + length);
  }

  /** A field of the form `u32 length, bytes`. */
  prefixed(): Buffer {
    return this.take(this.u32());
  }

  /** The same field as a cursor that shares this cursor's `overrun`. */
  slice(): Cursor {
    return new Cursor(this.prefixed(), this.shared);
  }

  private advance(length: number): number {
    if (length > this.remaining) {
      this.fail();
      return -1;
    }
    const at = this.position;
    this.position += length;
    return at;
  }

  private fail(): number {
    this.shared.overrun = true;
    this.position = this.bytes.length;
    return 0;
  }
}
