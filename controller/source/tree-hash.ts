/** The hash of the content of `releases/`. It does not depend on the kind of source. */
import { createHash } from 'node:crypto';
import type { SourceFile } from '../ports/index.ts';

/** SHA-256 over the sorted paths, each with its length and bytes or the reason for which it was not read. */
export function treeHashOf(files: readonly SourceFile[]): string {
  const hash = createHash('sha256');
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    const path = Buffer.from(file.path);
    hash.update(`${path.length}:`).update(path);
    if ('refused' in file) hash.update(`!${file.refused}\n`);
    else hash.update(`=${file.content.length}:`).update(file.content);
  }
  return hash.digest('hex');
}
