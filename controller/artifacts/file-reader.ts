import { open } from 'node:fs/promises';
import type { ByteReader } from '../apk/byte-reader.ts';

/** A {@link ByteReader} over a file that must be closed. */
interface FileReader extends ByteReader, AsyncDisposable {
  readInto(target: Buffer, offset: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file for bounded reads at any offset. The size is read once: if the file becomes shorter later, a
 * read fails; bytes that are appended later are not seen. Rejects with Node's I/O error.
 */
export async function openFileReader(path: string): Promise<FileReader> {
  const file = await open(path, 'r');
  const close = (): Promise<void> => file.close();
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw Object.assign(new Error(`${path} is not a regular file`), { code: 'EISDIR' });
    const readInto = async (target: Buffer, offset: number): Promise<void> => {
      for (let filled = 0; filled < target.length; ) {
        const { bytesRead } = await file.read(target, filled, target.length - filled, offset + filled);
        if (bytesRead === 0)
          throw Object.assign(new Error(`${path} ends before byte ${offset + target.length}`), {
            code: 'EIO',
          });
        filled += bytesRead;
      }
    };
    return {
      size: stat.size,
      async read(offset, length) {
        const buffer = Buffer.allocUnsafe(length);
        await readInto(buffer, offset);
        return buffer;
      },
      readInto,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
