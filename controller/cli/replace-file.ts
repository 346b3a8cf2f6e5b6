/** Replaces a file atomically, and never overwrites a change that was made after the file was read. */
import { readFile } from 'node:fs/promises';
import { Fault } from '../domain/fault.ts';

/** `before` is the text that was read; undefined for a new file. The file keeps its mode. Faults `file_changed`, `write_failed`. */
export async function replaceFile(target: string, text: string, before: string | undefined): Promise<void> {
  try {
    if ((await present(target)) !== before)
      throw new Fault(
        'file_changed',
        `${target} was changed by someone else while the command ran; nothing was written\n  run the command again`,
        { retry: 'never' },
      );
    const { default: writeFileAtomic } = await import('write-file-atomic'); // few verbs write
    await writeFileAtomic(target, text);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new Fault('write_failed', `cannot write ${target}: ${why}`, { retry: 'never', cause });
  }
}

async function present(target: string): Promise<string | undefined> {
  try {
    return await readFile(target, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
