/**
 * SHA-256 of imported tokens → device slot, in flat arrays: 44 bytes per token, a quarter of a Map of hex strings. Open
 * addressing with linear probing. The hash uses the whole digest: imported digests come from somebody's list, and if a
 * hundred thousand began alike, each would be compared with all before it.
 */
import type { Sha256 } from '../domain/ids.ts';

const DIGEST_BYTES = 32;
const EMPTY = 0;
/** The generation of a device without a token. */
const NONE = 0;

export class TokenTable {
  /** Slot + 1 of the device, or EMPTY. Length is a power of two, at most half full. */
  #buckets = new Uint32Array(16);
  #size = 0;
  /** Digest and generation of each device slot. */
  #digests = Buffer.alloc(0);
  #generations = new Uint32Array(0);

  /** The device slot and the generation of its token. */
  find(sha256: Sha256): { slot: number; generation: number } | undefined {
    if (this.#size === 0) return undefined;
    const bucket = this.#locate(Buffer.from(sha256, 'hex'));
    const held = this.#buckets[bucket] ?? EMPTY;
    return held === EMPTY ? undefined : { slot: held - 1, generation: this.#generations[held - 1] ?? 0 };
  }

  /** Replaces the token of the device. `generation`: at least 1. */
  set(slot: number, sha256: Sha256, generation: number): void {
    this.clear(slot);
    if ((this.#size + 1) * 2 > this.#buckets.length) this.#rehash(this.#buckets.length * 2);
    this.#reserve(slot);
    const digest = Buffer.from(sha256, 'hex');
    digest.copy(this.#digests, slot * DIGEST_BYTES);
    this.#generations[slot] = generation;
    const bucket = this.#locate(digest);
    if (this.#buckets[bucket] === EMPTY) this.#size += 1;
    this.#buckets[bucket] = slot + 1;
  }

  /** Removes the token of the device. */
  clear(slot: number): void {
    if ((this.#generations[slot] ?? NONE) === NONE) return;
    this.#generations[slot] = NONE;
    const mask = this.#buckets.length - 1;
    let hole = this.#locate(this.#digestOf(slot));
    // Another device may have got the same token since.
    if (this.#buckets[hole] !== slot + 1) return;
    this.#size -= 1;
    // Move later entries of the run back, so that no probe ends early at the hole.
    for (let next = (hole + 1) & mask; this.#buckets[next] !== EMPTY; next = (next + 1) & mask) {
      const home = this.#home(this.#digestOf((this.#buckets[next] ?? 0) - 1));
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#buckets[hole] = this.#buckets[next] ?? EMPTY;
      hole = next;
    }
    this.#buckets[hole] = EMPTY;
  }

  /** Where the digest is, or the empty bucket where it would go. */
  #locate(digest: Buffer): number {
    const mask = this.#buckets.length - 1;
    let bucket = this.#home(digest);
    for (;;) {
      const held = this.#buckets[bucket] ?? EMPTY;
      if (held === EMPTY || this.#digestOf(held - 1).equals(digest)) return bucket;
      bucket = (bucket + 1) & mask;
    }
  }

  #home(digest: Buffer): number {
    let mixed = 0;
    for (let at = 0; at < DIGEST_BYTES; at += 4) mixed = Math.imul(mixed, 31) + digest.readInt32BE(at);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & (this.#buckets.length - 1);
  }

  #digestOf(slot: number): Buffer {
    return this.#digests.subarray(slot * DIGEST_BYTES, (slot + 1) * DIGEST_BYTES);
  }

  #reserve(slot: number): void {
    if (slot < this.#generations.length) return;
    const capacity = Math.max(16, slot + 1, Math.ceil(this.#generations.length * 1.5));
    const digests = Buffer.alloc(capacity * DIGEST_BYTES);
    this.#digests.copy(digests);
    this.#digests = digests;
    const generations = new Uint32Array(capacity);
    generations.set(this.#generations);
    this.#generations = generations;
  }

  #rehash(length: number): void {
    const before = this.#buckets;
    this.#buckets = new Uint32Array(length);
    for (const held of before) {
      if (held !== EMPTY) this.#buckets[this.#locate(this.#digestOf(held - 1))] = held;
    }
  }
}
