/** Values that many devices share are stored once and counted. A device holds a small integer instead. */
export class Interned<T> {
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [''];
  readonly #values: (T | undefined)[] = [undefined];
  readonly #uses: number[] = [0];
  readonly #free: number[] = [];

  /** One past the largest slot ever used; slot 0 stands for "none". */
  get length(): number {
    return this.#values.length;
  }

  /** How many values are in use. */
  get size(): number {
    return this.#slots.size;
  }

  get(slot: number): T | undefined {
    return this.#values[slot];
  }

  /**
   * Counts one more user. `make` is called only for a new key, so that it can copy text that must not be kept alive.
   */
  acquire(key: string, make: () => T): number {
    const known = this.#slots.get(key);
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1;
      return known;
    }
    const slot = this.#free.pop() ?? this.#values.length;
    const ownKey = ownString(key);
    this.#slots.set(ownKey, slot);
    this.#keys[slot] = ownKey;
    this.#values[slot] = make();
    this.#uses[slot] = 1;
    return slot;
  }

  /** Counts one user less. The value is removed with its last user, so that the table cannot grow without end. */
  release(slot: number): void {
    if (slot === 0) return;
    const uses = (this.#uses[slot] ?? 0) - 1;
    this.#uses[slot] = uses;
    if (uses > 0) return;
    this.#slots.delete(this.#keys[slot] ?? '');
    this.#keys[slot] = '';
    this.#values[slot] = undefined;
    this.#free.push(slot);
  }
}

/** A copy that keeps no request body alive: the engine lets a substring hold on to the text it was cut from. */
export const ownString = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
