/** What a branch would hold after a merge: Git's own merge, in the object database alone. */
import type { Revision } from '../../domain/ids.ts';
import type { SourceTree } from '../../ports/index.ts';
import type { GitCommand } from './command.ts';
import { readTree } from './tree.ts';

const CONFLICTS = 1;

/** Conflicts elsewhere in the repository are not ours: the desired state is merged all the same. Throws GitExit. */
export async function readMerge(
  git: GitCommand,
  base: Revision,
  head: Revision,
  subPath: string,
): Promise<SourceTree | 'conflict'> {
  const merging = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', base, head];
  const [tree = '', ...conflicts] = (await git.text(merging, [CONFLICTS])).split('\0');
  const ours = (file: string): boolean =>
    file !== '' && (subPath === '.' || file === subPath || file.startsWith(`${subPath}/`));
  return conflicts.some(ours) ? 'conflict' : readTree(git, head, subPath, tree.trim());
}
