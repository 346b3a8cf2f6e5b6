/** Downloads on disk, one file per build, named by the expected hash. */
import { type FileHandle, mkdir, open, readdir, rm, stat, statfs, truncate } from 'node:fs/promises';
import path from 'node:path';
import type { ByteReader } from '../../controller/apk/index.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { ApkFile, ApkFiles } from '../ports.ts';
import { systemFault } from './durable.ts';

export class ApkFolder implements ApkFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  of(sha256: Sha256): ApkFile {
    return new ApkOnDisk(path.join(this.#directory, `${sha256}.apk`));
  }

  async discard(keep: Sha256 | undefined): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    for (const name of await readdir(this.#directory))
      if (name.endsWith('.apk') && name !== `${keep}.apk`)
        await rm(path.join(this.#directory, name), { force: true });
  }

  async freeBytes(): Promise<number | undefined> {
    await mkdir(this.#directory, { recursive: true });
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize;
  }
}

/** One file on the local disk. */
export class ApkOnDisk implements ApkFile {
  readonly path: string;
  #handle: FileHandle | undefined;

  constructor(file: string) {
    this.path = file;
  }

  async size(): Promise<number> {
    const found = await stat(this.path).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw systemFault(error, 'apk_unreadable');
    });
    return found?.size ?? 0;
  }

  async append(chunk: Buffer): Promise<void> {
    try {
      if (this.#handle === undefined) {
        await mkdir(path.dirname(this.path), { recursive: true });
        this.#handle = await open(this.path, 'a', 0o600);
      }
      await this.#handle.appendFile(chunk);
    } catch (error) {
      throw systemFault(error, 'apk_not_written');
    }
  }

  async truncate(): Promise<void> {
    await this.close();
    if ((await this.size()) > 0) await truncate(this.path, 0);
  }

  async open(): Promise<ByteReader & { close(): Promise<void> }> {
    await this.close();
    const handle = await open(this.path, 'r');
    const { size } = await handle.stat();
    return {
      size,
      async read(offset, length) {
        const buffer = Buffer.alloc(length);
        let got = 0;
        while (got < length) {
          const { bytesRead } = await handle.read(buffer, got, length - got, offset + got);
          if (bytesRead === 0) throw systemFault(new Error('the file shrank'), 'apk_unreadable');
          got += bytesRead;
        }
        return buffer;
      },
      close: () => handle.close(),
    };
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}
