/** What stands in a repository at one commit: read from the object database, nothing is ever checked out. */
import path from 'node:path';
import type { Revision } from '../../domain/ids.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES } from '../../domain/layout.ts';
import type { RolloutVersion, SourceFile, SourceTree } from '../../ports/index.ts';
import { treeHashOf } from '../tree-hash.ts';
import { type GitCommand, GitExit } from './command.ts';

const HISTORY_PAGE = 50;

interface Entry {
  readonly mode: string;
  readonly object: string;
  readonly sizeBytes: number;
  readonly path: string;
}

/**
 * Everything under `subPath` at that commit, which must be there. `tree` is read in place of the commit's own, for a
 * merge that has no commit. Throws GitExit.
 */
export async function readTree(
  git: GitCommand,
  revision: Revision,
  subPath: string,
  tree: string = revision,
): Promise<SourceTree> {
  const seconds = (await git.text(['log', '-1', '--format=%ct', '--end-of-options', revision])).trim();
  const entries = await listTree(git, tree, subPath);
  const files = await readBlobs(git, entries);
  return { revision, committedAtMs: Number(seconds) * 1000, treeHash: treeHashOf(files), files };
}

async function listTree(git: GitCommand, revision: Revision, subPath: string): Promise<Entry[]> {
  const args = ['ls-tree', '-r', '-z', '--long', '--full-tree', '--end-of-options', revision];
  const listing = await git.text(subPath === '.' ? args : [...args, '--', subPath]);
  return listing
    .split('\0')
    .filter(line => line !== '')
    .map(line => {
      const tab = line.indexOf('\t');
      const [mode = '', , object = '', size = '-'] = line.slice(0, tab).split(/ +/);
      const full = line.slice(tab + 1);
      // When the folder itself is a link or a submodule, the one entry has its name.
      const inside =
        subPath === '.'
          ? full
          : full === subPath
            ? path.posix.basename(full)
            : full.slice(subPath.length + 1);
      return { mode, object, sizeBytes: size === '-' ? 0 : Number(size), path: inside };
    });
}

type Refusal = 'symlink' | 'not_a_file' | 'file_too_large';

function refusalOf({ mode, sizeBytes }: Entry, leftBytes: number): Refusal | undefined {
  if (mode === '120000') return 'symlink';
  if (mode !== '100644' && mode !== '100755') return 'not_a_file';
  return sizeBytes > Math.min(MAX_FILE_BYTES, leftBytes) ? 'file_too_large' : undefined;
}

/** What may be read of these, in their order, until all together are too much. */
function judge(entries: readonly Entry[]): { entry: Entry; refused: Refusal | undefined }[] {
  let leftBytes = MAX_TREE_BYTES;
  return entries.map(entry => {
    const refused = refusalOf(entry, leftBytes);
    if (refused === undefined) leftBytes -= entry.sizeBytes;
    return { entry, refused };
  });
}

/** Sizes are known from the listing, so that nothing large or surplus is ever read. */
async function readBlobs(git: GitCommand, entries: readonly Entry[]): Promise<SourceFile[]> {
  if (entries.length > MAX_FILES)
    return entries.slice(0, MAX_FILES + 1).map(({ path }) => ({ path, refused: 'file_too_large' }));
  const judged = judge(entries);
  const wanted = judged.filter(j => j.refused === undefined).map(j => j.entry);
  const contents = await batch(
    git,
    wanted.map(e => e.object),
  );
  const read = new Map(wanted.map((entry, index) => [entry.path, contents[index]]));
  return judged.map(({ entry: { path }, refused }): SourceFile => {
    if (refused !== undefined) return { path, refused };
    const content = read.get(path);
    if (content === undefined) throw new GitExit(128, `missing blob of ${path}`);
    return { path, content };
  });
}

/** `git cat-file --batch`: `<oid> blob <size>\n<bytes>\n` each; undefined for what is missing. */
async function batch(git: GitCommand, names: readonly string[]): Promise<(Buffer | undefined)[]> {
  if (names.length === 0) return [];
  const output = await git.bytes(['--batch'], `${names.join('\n')}\n`);
  let at = 0;
  return names.map(() => {
    const newline = output.indexOf(0x0a, at);
    const header = output.subarray(at, newline).toString();
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1];
    at = newline + 1;
    if (size === undefined) return undefined;
    const content = output.subarray(at, at + Number(size));
    at += Number(size) + 1;
    return content;
  });
}

/** Pages until one is not full. */
export async function* history(
  page: (skip: number) => Promise<{ versions: RolloutVersion[]; commits: number }>,
): AsyncGenerator<RolloutVersion> {
  for (let skip = 0; ; skip += HISTORY_PAGE) {
    const { versions, commits } = await page(skip);
    yield* versions;
    if (commits < HISTORY_PAGE) return;
  }
}

/** Commits along first parents that touched rollout.yaml; those that deleted it have no version. */
export async function historyPage(
  git: GitCommand,
  revision: Revision,
  subPath: string,
  skip: number,
): Promise<{ versions: RolloutVersion[]; commits: number }> {
  const file = subPath === '.' ? 'rollout.yaml' : `${subPath}/rollout.yaml`;
  const page = [`--skip=${skip}`, `--max-count=${HISTORY_PAGE}`];
  const log = await git.text([
    'log',
    '--first-parent',
    '--format=%H %ct',
    ...page,
    '--end-of-options',
    revision,
    '--',
    file,
  ]);
  const commits = log
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split(' '));
  const contents = await batch(
    git,
    commits.map(([commit]) => `${commit}:${file}`),
  );
  const versions = commits.flatMap(([commit = '', seconds = '0'], index) => {
    const content = contents[index];
    return content === undefined
      ? []
      : [{ revision: commit, committedAtMs: Number(seconds) * 1000, content }];
  });
  return { versions, commits: commits.length };
}
