/** Reads a repository on this machine in place, so that the command line and CI need no clone. */
import path from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { Revision } from '../../domain/ids.ts';
import type { Source, SourceTree } from '../../ports/index.ts';
import { type GitCommand, GitExit, gitCommand } from './command.ts';
import { withScratchClone } from './scratch.ts';
import { history, historyPage, readTree } from './tree.ts';

export interface LocalRepository extends Pick<Source, 'rolloutHistory'> {
  /** The top of the working tree. */
  readonly root: string;
  /** `name` is any name of a commit that Git accepts: a branch, a tag, `HEAD~1`. A branch wins over a tag. Fault `revision_unknown`. */
  resolve(name: string): Promise<Revision>;
  read(revision: Revision): Promise<SourceTree>;
  /** True for a shallow clone, whose history is cut off. */
  isShallow(): Promise<boolean>;
  /** First parents that changed the desired state, newest first, up to a limit, without `revision` itself. */
  ancestors(revision: Revision): Promise<Revision[]>;
  /** Whether `ancestor` is part of `revision`'s history; undefined if this clone does not have one of them. */
  contains(revision: Revision, ancestor: Revision): Promise<boolean | undefined>;
  /** A scratch clone whose HEAD is `revision`, with the folder of the desired state checked out; removed afterwards. */
  scratch<T>(revision: Revision, use: (folder: string) => Promise<T>): Promise<T>;
}

interface LocalRepositoryOptions {
  readonly gitDir: string;
  readonly root: string;
  /** The folder of the desired state in the repository, with forward slashes; `.` is its top. */
  readonly subPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 60_000;
/** How many ancestors are read at most. */
const MOST_ANCESTORS = 200;

export function localRepository({
  gitDir,
  root,
  subPath,
  environment,
}: LocalRepositoryOptions): LocalRepository {
  const git: GitCommand = gitCommand({ gitDir, environment, timeoutMs: TIMEOUT_MS });
  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GitExit)) throw error;
      throw new Fault('repository_unreadable', `the repository at ${root} cannot be read: ${error.message}`, {
        retry: 'never',
        cause: error,
      });
    }
  };
  return {
    root,
    resolve: async name => {
      // Git itself prefers a tag over a branch of the same name.
      for (const candidate of [...asBranch(name), name]) {
        const commit = await commitOf(git, candidate);
        if (commit !== undefined) return commit;
      }
      throw await unknownRevision(git, name, root);
    },
    isShallow: () => isShallow(git),
    scratch: (revision, use) =>
      reading(() => withScratchClone({ gitDir, subPath, environment, timeoutMs: TIMEOUT_MS }, revision, use)),
    ancestors: revision => reading(() => changesOf(git, revision, subPath)),
    read: revision => reading(() => readTree(git, revision, subPath)),
    contains: async (revision, ancestor) => {
      if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(revision)) return undefined;
      try {
        await git.text(['merge-base', '--is-ancestor', ancestor, revision]);
        return true;
      } catch (error) {
        if (!(error instanceof GitExit)) throw error;
        return error.exitCode === 1 ? false : undefined;
      }
    },
    rolloutHistory: (revision, since) =>
      history(skip => reading(() => historyPage(git, { revision, since, subPath, skip }))),
  };
}

/** `main~2` as a local branch, `origin/main` as a remote branch. A hash, HEAD and a full ref name are not branches. */
const asBranch = (name: string): string[] =>
  /^(HEAD|@|refs\/|tags\/|[0-9a-f]{40})/.test(name) ? [] : [`refs/heads/${name}`, `refs/remotes/${name}`];

async function commitOf(git: GitCommand, name: string): Promise<Revision | undefined> {
  try {
    const found = await git.text([
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${name}^{commit}`,
    ]);
    return found.trim();
  } catch (error) {
    if (error instanceof GitExit) return undefined;
    throw error;
  }
}

const isShallow = (git: GitCommand): Promise<boolean> =>
  git.text(['rev-parse', '--is-shallow-repository']).then(
    text => text.trim() === 'true',
    () => false,
  );

/** First parents that changed the folder, newest first, without `revision` itself. */
async function changesOf(git: GitCommand, revision: Revision, subPath: string): Promise<Revision[]> {
  const log = ['log', '--first-parent', '--format=%H', `--max-count=${MOST_ANCESTORS + 1}`];
  const text = await git.text([...log, '--end-of-options', revision, '--', subPath]);
  return text.split('\n').filter(line => line !== '' && line !== revision);
}

async function unknownRevision(git: GitCommand, name: string, root: string): Promise<Fault> {
  const shown = JSON.stringify(name.slice(0, 100));
  const [missing, hint] =
    (await commitOf(git, 'HEAD')) === undefined
      ? ['no commit yet', 'commit the files first: git add . && git commit']
      : (await isShallow(git))
        ? [
            `no revision ${shown}`,
            'this clone is shallow: fetch more history (in GitHub Actions: fetch-depth: 0)',
          ]
        : [`no revision ${shown}`, 'see: git branch --all, git log --oneline'];
  return new Fault('revision_unknown', `${path.basename(root)} has ${missing}\n  ${hint}`, {
    retry: 'never',
  });
}
