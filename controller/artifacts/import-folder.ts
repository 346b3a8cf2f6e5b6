/** Stores every APK of a folder: the seed of an example, a lab or a site without a network. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Fault, faultCode } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports.ts';

export interface Imported {
  /** Name within the folder. */
  readonly file: string;
  readonly sha256: Sha256;
  /** `present`: it was stored before; otherwise the code of the refusal. */
  readonly result: 'stored' | 'present' | { readonly code: string; readonly message: string };
}

async function sha256Of(file: string): Promise<Sha256> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** One bad APK keeps no other out. Fault `import_folder_unreadable`; `disk_full` and `quota_exceeded` end the import. */
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
    const sha256 = await sha256Of(whole);
    if (await artifacts.has(sha256)) {
      imported.push({ file, sha256, result: 'present' });
      continue;
    }
    try {
      await artifacts.put(sha256, createReadStream(whole), maxBytes);
      imported.push({ file, sha256, result: 'stored' });
    } catch (error) {
      if (!(error instanceof Fault) || error.code === 'disk_full' || error.code === 'quota_exceeded')
        throw error;
      imported.push({ file, sha256, result: { code: faultCode(error), message: error.message } });
    }
  }
  return imported;
}
