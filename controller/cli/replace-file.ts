/** Writes a file whole or not at all, and never over what somebody else wrote meanwhile. */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { Fault } from '../domain/fault.ts';

/** `before`: what was read, undefined for a new file. The file keeps its mode. Faults `file_changed`, `write_failed`. */
export async function replaceFile(target: string, text: string, before: string | undefined): Promise<void> {
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    const now = await readFile(target, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (now !== before)
      throw new Fault(
        'file_changed',
        `${target} was changed meanwhile; nothing was written\n  run it again`,
        { retry: 'never' },
      );
    const mode = now === undefined ? 0o644 : (await stat(target)).mode;
    await writeFile(temporary, text, { mode, flag: 'wx' });
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    if (cause instanceof Fault) throw cause;
    throw new Fault(
      'write_failed',
      `cannot write ${target}: ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`,
      {
        retry: 'never',
        cause,
      },
    );
  }
}
