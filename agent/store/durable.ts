/** Atomic file writes, and file system errors as Faults. */
import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../../controller/domain/fault.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Turns a file system error into a Fault: `disk_full` if the disk is full, else `code`. */
export function systemFault(error: unknown, code: string): Fault {
  if (error instanceof Fault) return error;
  const system = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return FULL.has(system)
    ? new Fault('disk_full', 'no space left on the device', { retry: 'backoff', cause: error })
    : new Fault(code, `file system: ${system}`, { retry: 'backoff', cause: error });
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Writes a new file, syncs and renames it, and syncs the folder. Durable when it resolves; readable only by its owner. */
export async function writeDurably(
  file: string,
  text: string,
  beforeRename: () => Promise<void> = async () => {},
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeSynced(`${file}.new`, text);
  await beforeRename();
  await rename(`${file}.new`, file);
  await syncFolder(path.dirname(file));
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is durable only after its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
