/** Desired state from a Git repository, local or remote: SPEC §7. */

import path from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { Revision } from '../../domain/ids.ts';
import { makeTurns } from '../../domain/turns.ts';
import type { Source } from '../../ports/index.ts';
import type { CloneStep } from './clone.ts';
import { type GitCommand, GitExit } from './command.ts';
import { readMerge } from './merge.ts';
import { gitMirror } from './mirror.ts';
import { type RunGit, stopped } from './process.ts';
import { pushBranch } from './push.ts';
import { checkBranch, checkSubPath, gitRemote } from './remote.ts';
import { history, historyPage, readTree } from './tree.ts';

export interface GitSourceOptions {
  /** A path, `file://`, `ssh://`, `user@host:path` or `https://`, without a password. */
  readonly url: string;
  /** Default: the repository's own default branch. */
  readonly branch?: string | undefined;
  /** The folder of the desired state in the repository; default `releases`, `.` is the top. */
  readonly path?: string | undefined;
  /** Folder for the mirror; created if missing. */
  readonly dataFolder: string;
  /** For https. It is sent in a header, never in a URL or an argument. */
  readonly token?: string | undefined;
  /** Provides PATH, HOME, SSH_AUTH_SOCK and proxies. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The time limit of one Git command, mainly the fetch; default 2 minutes. */
  readonly timeoutMs?: number | undefined;
  /** How to start Git; by default from this process. */
  readonly run?: RunGit | undefined;
  /** Called with the progress of a first clone that is made in steps. */
  readonly onCloneStep?: ((step: CloneStep) => void) | undefined;
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * Faults: `source_unreachable`, `source_timeout`, `source_stopped`, `git_killed`, `branch_unknown`, `revision_unknown`, `source_unreadable`,
 * `git_missing`, `mirror_unusable`; at once, for options that can never work: `source_url_invalid`, `branch_invalid`, `source_path_invalid`.
 */
export function gitSource(options: GitSourceOptions): Source & { stop(): Promise<void> } {
  const stopping = new AbortController();
  const remote = gitRemote(options.url, options.token);
  const subPath = checkSubPath(options.path ?? 'releases');
  const mirror = gitMirror({
    remote,
    branch: options.branch === undefined ? undefined : checkBranch(options.branch),
    folder: options.dataFolder,
    command: {
      environment: options.environment,
      run: options.run,
      timeoutMs: options.timeoutMs ?? 120_000,
      token: options.token,
      signal: stopping.signal,
    },
    onCloneStep: options.onCloneStep ?? (() => undefined),
  });
  // Runs one job at a time, because a fetch may replace the mirror during a read.
  const turns = makeTurns();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> =>
    turns(async () => {
      if (stopping.signal.aborted) throw stopped();
      return work().catch(unusable);
    });

  async function demand(revision: Revision): Promise<void> {
    if (COMMIT.test(revision) && (await mirror.ensure(revision))) return;
    throw new Fault('revision_unknown', `${remote.shown} has no such revision`, { retry: 'never' });
  }

  return {
    head: () => inTurn(() => mirror.fetch()),
    read: revision =>
      inTurn(async () => {
        await demand(revision);
        return mirror.reading((git, obtain) => readTree(git, revision, subPath, { obtain }));
      }),
    descends: (revision, ancestor) =>
      inTurn(async () => {
        await demand(revision);
        if (!COMMIT.test(ancestor) || !(await mirror.ensure(ancestor))) return false;
        return mirror.reading(git => isAncestor(git, ancestor, revision));
      }),
    merged: (base, head) =>
      inTurn(async () => {
        await demand(base);
        await demand(head);
        return mirror.reading((git, obtain) => readMerge(git, base, head, subPath, obtain));
      }),
    rolloutHistory: (revision, since) =>
      history(async skip => {
        return inTurn(async () => {
          if (skip === 0) await demand(revision);
          if (skip === 0 && since !== undefined) await demand(since);
          return mirror.reading((git, obtain) =>
            historyPage(git, { revision, since, subPath, skip }, obtain),
          );
        });
      }),
    push: change =>
      inTurn(async () => {
        await demand(change.base);
        await mirror.pushing((git, origin) => pushBranch(git, origin, change, subPath));
      }),
    watch: onHint => watchRefs(remote.localPath, onHint),
    stop: async () => {
      stopping.abort();
      await turns(async () => undefined);
    },
  };
}

/** The disk is full, or the mirror's folder is missing or belongs to another user. This is an environment fault, not a bug. */
function unusable(error: unknown): never {
  const cause = error instanceof Error && 'code' in error ? error.code : undefined;
  const errno = typeof cause === 'string' && /^E[A-Z0-9]+$/.test(cause) ? cause : undefined;
  if (error instanceof Fault || (errno === undefined && !(error instanceof GitExit))) throw error;
  const why = errno ?? (error instanceof GitExit ? error.message : 'unknown error');
  throw new Fault('mirror_unusable', `the mirror in the data folder cannot be used: ${why}`, {
    retry: 'backoff',
    cause: error,
  });
}

async function isAncestor(git: GitCommand, ancestor: Revision, revision: Revision): Promise<boolean> {
  try {
    await git.text(['merge-base', '--is-ancestor', '--end-of-options', ancestor, revision]);
    return true;
  } catch (error) {
    if (error instanceof GitExit && error.exitCode === 1) return false;
    throw error;
  }
}

/** Watches the refs of a repository on this machine. Any other repository has to be polled. */
async function watchRefs(localPath: string | undefined, onHint: () => void): Promise<() => Promise<void>> {
  if (localPath === undefined) return async () => {};
  const places = [localPath, path.join(localPath, '.git')].flatMap(dir =>
    ['HEAD', 'packed-refs', 'refs/heads'].map(name => path.join(dir, name)),
  );
  const { watch: watchFiles } = await import('chokidar'); // loaded only here: the command line does not watch
  const watcher = watchFiles(places, { ignoreInitial: true, followSymlinks: false });
  watcher.on('all', onHint);
  // An error loses only a hint: the timer polls too.
  watcher.on('error', onHint);
  await new Promise<void>(resolve => watcher.once('ready', resolve));
  return () => watcher.close();
}
