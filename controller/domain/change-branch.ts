/** The branch of a proposed change. */
import { createHash } from 'node:crypto';
import type { Revision } from './ids.ts';

/**
 * `ota/promote-b42-at-10-1a2b3c4d`. The same change of the same base gives the same name, so a retry finds the first
 * branch. `files`: new texts by path.
 */
export function changeBranch(
  title: string,
  base: Revision,
  files: Iterable<readonly [path: string, text: string]>,
): string {
  const words = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  const content = createHash('sha256')
    .update(`${base}\n${JSON.stringify([...files])}`)
    .digest('hex');
  return `ota/${words === '' ? 'change' : words}-${content.slice(0, 8)}`;
}
