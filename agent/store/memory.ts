/** State and downloads in memory, for fleets with thousands of agents in one process. */
import { bufferReader } from '../../controller/apk/index.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { ApkFile, ApkFiles, LoadedState, StateStore } from '../ports.ts';
import type { AgentState } from '../state.ts';

/** Keeps the last saved state, like a file would. */
export class MemoryState implements StateStore {
  #state: AgentState | undefined;

  async load(): Promise<LoadedState> {
    return this.#state === undefined
      ? { kind: 'none' }
      : { kind: 'state', state: this.#state, recovered: false };
  }

  async save(state: AgentState): Promise<void> {
    this.#state = state;
  }
}

export class MemoryApks implements ApkFiles {
  readonly #files = new Map<Sha256, MemoryApk>();
  readonly #capacityBytes: number;

  constructor(capacityBytes = Number.POSITIVE_INFINITY) {
    this.#capacityBytes = capacityBytes;
  }

  of(sha256: Sha256): ApkFile {
    const known = this.#files.get(sha256) ?? new MemoryApk(() => this.#free());
    this.#files.set(sha256, known);
    return known;
  }

  async discard(keep: Sha256 | undefined): Promise<void> {
    for (const sha256 of this.#files.keys()) if (sha256 !== keep) this.#files.delete(sha256);
  }

  async freeBytes(): Promise<number | undefined> {
    return this.#free();
  }

  #free(): number {
    let used = 0;
    for (const file of this.#files.values()) used += file.bytes;
    return this.#capacityBytes - used;
  }
}

class MemoryApk implements ApkFile {
  readonly path = undefined;
  readonly #free: () => number;
  #chunks: Buffer[] = [];
  bytes = 0;

  constructor(free: () => number) {
    this.#free = free;
  }

  async size(): Promise<number> {
    return this.bytes;
  }

  async append(chunk: Buffer): Promise<void> {
    if (chunk.length > this.#free())
      throw new Fault('disk_full', 'no space left on the device', { retry: 'backoff' });
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  async truncate(): Promise<void> {
    this.#chunks = [];
    this.bytes = 0;
  }

  async open() {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return { ...bufferReader(this.#chunks[0] ?? Buffer.alloc(0)), close: async () => {} };
  }

  async close(): Promise<void> {}
}
