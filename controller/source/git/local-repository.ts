/** A repository on this machine, read where it is: for the command line and CI, which must not clone to look. */
import path from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { Revision } from '../../domain/ids.ts';
import type { Source, SourceTree } from '../../ports/index.ts';
import { type GitCommand, GitExit, gitCommand } from './command.ts';
import { history, historyPage, readTree } from './tree.ts';

export interface LocalRepository extends Pick<Source, 'rolloutHistory'> {
  /** The top of the working tree. */
  readonly root: string;
  /** `name` is anything Git takes for a commit: a branch, a tag, `HEAD~1`. Fault `revision_unknown`. */
  resolve(name: string): Promise<Revision>;
  read(revision: Revision): Promise<SourceTree>;
  /** Is `ancestor` part of `revision`'s history? Undefined when this clone lacks one of them. */
  contains(revision: Revision, ancestor: Revision): Promise<boolean | undefined>;
}

export interface LocalRepositoryOptions {
  readonly gitDir: string;
  readonly root: string;
  /** Where desired state stands in the repository, with forward slashes; `.` is its top. */
  readonly subPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 60_000;

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
      try {
        return (
          await git.text(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`])
        ).trim();
      } catch (error) {
        if (!(error instanceof GitExit)) throw error;
        throw await unknownRevision(git, name, root);
      }
    },
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

async function unknownRevision(git: GitCommand, name: string, root: string): Promise<Fault> {
  const shallow = await git.text(['rev-parse', '--is-shallow-repository']).then(
    text => text.trim() === 'true',
    () => false,
  );
  const hint = shallow
    ? 'this clone is shallow: fetch more history (in GitHub Actions: fetch-depth: 0)'
    : 'see: git branch --all, git log --oneline';
  const shown = JSON.stringify(name.slice(0, 100));
  return new Fault('revision_unknown', `${path.basename(root)} has no revision ${shown}\n  ${hint}`, {
    retry: 'never',
  });
}
