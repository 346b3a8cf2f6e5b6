/**
 * Computes the content of a branch after a merge with Git's own merge, only in the object database. Only the folder of the
 * desired state is merged, as separate commits. The rest of the repository is not needed and not fetched, and its
 * conflicts do not matter.
 */

import type { Revision } from '../../domain/ids.ts';
import { MAX_FILES } from '../../domain/layout.ts';
import type { SourceTree } from '../../ports/index.ts';
import { blobSizes, type Obtain } from './blobs.ts';
import type { GitCommand } from './command.ts';
import { isFile, listTree, readTree } from './tree.ts';

const NONE = 1;
const CONFLICTS = 1;

/** Throws GitExit. */
export async function readMerge(
  git: GitCommand,
  base: Revision,
  head: Revision,
  subPath: string,
  obtain: Obtain,
): Promise<SourceTree | 'conflict' | 'unrelated'> {
  const [ancestor = ''] = (await git.text(['merge-base', base, head], [NONE])).split('\n');
  if (ancestor === '') return 'unrelated';
  const trees: string[] = [];
  for (const commit of [ancestor, base, head]) trees.push(await folderTree(git, commit, subPath));
  await obtainAll(git, trees, obtain);
  const [from = '', ours = '', theirs = ''] = trees;
  const root = await commitOf(git, from);
  const sides = [await commitOf(git, ours, root), await commitOf(git, theirs, root)];
  const merging = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ...sides];
  const [tree = '', ...conflicts] = (await git.text(merging, [CONFLICTS])).split('\0');
  if (conflicts.some(file => file !== '')) return 'conflict';
  return readTree(git, head, '.', { obtain, tree: tree.trim() });
}

/** The tree of the folder at a commit; an empty tree if the folder is missing or is not a folder. */
async function folderTree(git: GitCommand, commit: Revision, subPath: string): Promise<string> {
  if (subPath === '.') return (await git.text(['rev-parse', '--verify', `${commit}^{tree}`])).trim();
  const listed = await git.text(['ls-tree', '-d', '-z', '--full-tree', commit, '--', subPath]);
  const tree = /^040000 tree ([0-9a-f]+)\t/.exec(listed)?.[1];
  return tree ?? (await git.text(['mktree'], undefined, '')).trim();
}

/** A merge may compare any two files of these trees. */
async function obtainAll(git: GitCommand, trees: readonly string[], obtain: Obtain): Promise<void> {
  const objects = new Set<string>();
  for (const tree of trees) {
    const files = (await listTree(git, tree, '.')).filter(isFile);
    // There are more files than allowed, so the tree will be refused when it is read.
    for (const { object } of files.slice(0, MAX_FILES)) objects.add(object);
  }
  await blobSizes(git, [...objects], obtain);
}

const commitOf = async (git: GitCommand, tree: string, parent?: string): Promise<string> =>
  (
    await git.text(['commit-tree', tree, ...(parent === undefined ? [] : ['-p', parent]), '-m', 'merge'])
  ).trim();
