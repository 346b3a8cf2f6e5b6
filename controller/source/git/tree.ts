/** Reads the files of a repository at one commit from the object database, without a checkout. */
import path from 'node:path';
import type { Revision } from '../../domain/ids.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES } from '../../domain/layout.ts';
import type { RolloutVersion, SourceFile, SourceTree } from '../../ports/index.ts';
import { treeHashOf } from '../tree-hash.ts';
import { blobContents, blobSizes, nothingToObtain, type Obtain } from './blobs.ts';
import type { GitCommand } from './command.ts';

const HISTORY_PAGE = 50;
/** How many characters of a name or of a first line are kept. */
const MOST_WORDS = 200;

interface Entry {
  readonly mode: string;
  readonly object: string;
  readonly path: string;
}

/**
 * All files under `subPath` at that commit, which must exist. `tree` replaces the tree of the commit, for a merge that
 * has no commit. Throws GitExit.
 */
export async function readTree(
  git: GitCommand,
  revision: Revision,
  subPath: string,
  { obtain = nothingToObtain, tree = revision }: { obtain?: Obtain; tree?: string } = {},
): Promise<SourceTree> {
  const log = await git.text(['log', '-1', '--format=%ct%x00%an%x00%s', '--end-of-options', revision]);
  const [seconds, author = '', subject = ''] = log.trimEnd().split('\0');
  const commit = { author: author.slice(0, MOST_WORDS), subject: subject.slice(0, MOST_WORDS) };
  const entries = await listTree(git, tree, subPath);
  const files = await readBlobs(git, entries, obtain);
  return { revision, committedAtMs: Number(seconds) * 1000, commit, treeHash: treeHashOf(files), files };
}

export async function listTree(git: GitCommand, revision: Revision, subPath: string): Promise<Entry[]> {
  const args = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', revision];
  const listing = await git.text(subPath === '.' ? args : [...args, '--', subPath]);
  return listing
    .split('\0')
    .filter(line => line !== '')
    .map(line => {
      const tab = line.indexOf('\t');
      const [mode = '', , object = ''] = line.slice(0, tab).split(' ');
      const full = line.slice(tab + 1);
      // If the folder itself is a link or a submodule, the only entry has its name.
      const inside =
        subPath === '.'
          ? full
          : full === subPath
            ? path.posix.basename(full)
            : full.slice(subPath.length + 1);
      return { mode, object, path: inside };
    });
}

type Refusal = 'symlink' | 'not_a_file' | 'file_too_large';

export const isFile = ({ mode }: { readonly mode: string }): boolean =>
  mode === '100644' || mode === '100755';

/** Reads sizes before contents, so that large or surplus files are never read. */
async function readBlobs(git: GitCommand, entries: readonly Entry[], obtain: Obtain): Promise<SourceFile[]> {
  if (entries.length > MAX_FILES)
    return entries.slice(0, MAX_FILES + 1).map(({ path }) => ({ path, refused: 'file_too_large' }));
  const files = entries.filter(isFile);
  const sizes = await blobSizes(
    git,
    files.map(e => e.object),
    obtain,
  );
  const sizeOf = new Map(files.map((entry, index) => [entry, sizes[index] ?? 0]));
  let leftBytes = MAX_TREE_BYTES;
  const judged = entries.map((entry): { entry: Entry; refused: Refusal | undefined } => {
    const size = sizeOf.get(entry);
    if (size === undefined) return { entry, refused: entry.mode === '120000' ? 'symlink' : 'not_a_file' };
    if (size > Math.min(MAX_FILE_BYTES, leftBytes)) return { entry, refused: 'file_too_large' };
    leftBytes -= size;
    return { entry, refused: undefined };
  });
  const wanted = judged.filter(j => j.refused === undefined).map(j => j.entry);
  const contents = await blobContents(
    git,
    wanted.map(e => e.object),
  );
  const read = new Map(wanted.map((entry, index) => [entry, contents[index]]));
  return judged.map(({ entry, refused }): SourceFile => {
    const content = read.get(entry);
    return content === undefined
      ? { path: entry.path, refused: refused ?? 'not_a_file' }
      : { path: entry.path, content };
  });
}

/** Reads pages until one is not full. */
export async function* history(
  page: (skip: number) => Promise<{ versions: RolloutVersion[]; commits: number }>,
): AsyncGenerator<RolloutVersion> {
  for (let skip = 0; ; skip += HISTORY_PAGE) {
    const { versions, commits } = await page(skip);
    yield* versions;
    if (commits < HISTORY_PAGE) return;
  }
}

interface HistoryQuery {
  readonly revision: Revision;
  /** Leaves out versions that this commit already contains. */
  readonly since: Revision | undefined;
  readonly subPath: string;
  readonly skip: number;
}

/** Commits along first parents that changed rollout.yaml, without those that deleted it. */
export async function historyPage(
  git: GitCommand,
  { revision, since, subPath, skip }: HistoryQuery,
  obtain: Obtain = nothingToObtain,
): Promise<{ versions: RolloutVersion[]; commits: number }> {
  const file = subPath === '.' ? 'rollout.yaml' : `${subPath}/rollout.yaml`;
  const page = [`--skip=${skip}`, `--max-count=${HISTORY_PAGE}`];
  const how = ['--first-parent', '--diff-merges=first-parent', '--no-renames', '--raw', '--no-abbrev'];
  const log = await git.text([
    'log',
    ...how,
    '--format=@%H %ct',
    ...page,
    '--end-of-options',
    revision,
    ...(since === undefined ? [] : [`^${since}`]),
    '--',
    file,
  ]);
  const commits = log
    .split('\n@')
    .map(part => part.replace(/^@/, '').split('\n'))
    .filter(([head]) => head !== undefined && head !== '')
    .map(([head = '', ...raw]) => {
      const [commit = '', seconds = '0'] = head.split(' ');
      // :<old mode> <new mode> <old object> <new object> <how>
      const [, mode = '', , object = ''] = raw.find(line => line.startsWith(':'))?.split(' ') ?? [];
      return { commit, committedAtMs: Number(seconds) * 1000, mode, object };
    });
  const kept = commits.filter(isFile);
  const objects = kept.map(c => c.object);
  await blobSizes(git, objects, obtain);
  const contents = await blobContents(git, objects);
  const versions = kept.flatMap(({ commit, committedAtMs }, index) => {
    const content = contents[index];
    return content === undefined ? [] : [{ revision: commit, committedAtMs, content }];
  });
  return { versions, commits: commits.length };
}
