/** Stores every APK of a folder, for an example, a lab or a site without a network. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Fault, faultCode } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports/index.ts';

export interface Imported {
  /** Name within the folder. */
  readonly file: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /**
   * `present`: it was stored before. `repaired`: the stored APK was damaged. An object holds the code of the refusal.
   */
  readonly result: 'stored' | 'present' | 'repaired' | { readonly code: string; readonly message: string };
}

async function measure(file: string): Promise<{ sha256: Sha256; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** A refused APK does not stop the others. Fault `import_folder_unreadable`; `disk_full` and `quota_exceeded` end the import. */
export async function importFolder(
  artifacts: Artifacts,
  folder: string,
  maxBytes: number,
): Promise<Imported[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new Fault('import_folder_unreadable', `cannot read ${folder} (${cause.code ?? 'error'})`, {
      retry: 'never',
      cause,
    });
  });
  const imported: Imported[] = [];
  for (const file of names.filter(name => name.endsWith('.apk')).sort()) {
    const whole = path.join(folder, file);
    const facts = await measure(whole);
    if ((await artifacts.check(facts.sha256)) === 'intact') {
      imported.push({ file, ...facts, result: 'present' });
      continue;
    }
    try {
      const { repaired } = await artifacts.put(facts.sha256, createReadStream(whole), maxBytes);
      imported.push({ file, ...facts, result: repaired ? 'repaired' : 'stored' });
    } catch (error) {
      if (!(error instanceof Fault) || error.code === 'disk_full' || error.code === 'quota_exceeded')
        throw error;
      imported.push({ file, ...facts, result: { code: faultCode(error), message: error.message } });
    }
  }
  return imported;
}
