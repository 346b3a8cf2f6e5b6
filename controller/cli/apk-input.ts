/** An APK named on the command line: a file, or a pipe such as `<(curl …)`, which can be read only once. */
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

interface ApkInput extends AsyncDisposable {
  /** A regular file with the bytes, or the given path if it is neither a file nor a pipe. */
  readonly path: string;
}

/** An APK cannot be larger. Bytes beyond this are not read. */
const MAX_BYTES = 0x1_0000_0000;

/** Copies a pipe to a temporary file, which is deleted with the input. Rejects with Node's I/O error. */
export async function openApkInput(file: string): Promise<ApkInput> {
  const stats = await stat(file);
  const once = stats.isFIFO() || stats.isCharacterDevice() || stats.isSocket();
  if (!once) return { path: file, [Symbol.asyncDispose]: async () => undefined };
  const copy = path.join(tmpdir(), `ota-apk-${randomUUID()}`);
  const remove = (): Promise<void> => rm(copy, { force: true });
  try {
    await pipeline(
      createReadStream(file),
      async function* bounded(bytes: AsyncIterable<Buffer>) {
        let size = 0;
        for await (const piece of bytes) {
          yield piece;
          size += piece.length;
          if (size > MAX_BYTES) return;
        }
      },
      createWriteStream(copy, { flags: 'wx', mode: 0o600 }),
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { path: copy, [Symbol.asyncDispose]: remove };
}
