/**
 * A bare clone of the source repository in the data folder. It is only a cache: it is made in a neighbouring folder and
 * renamed when complete, made again if broken, and used while the repository cannot be reached.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { Obtain } from './blobs.ts';
import { type CloneStep, firstClone } from './clone.ts';
import { type GitCommand, type GitCommandOptions, GitExit, gitCommand } from './command.ts';
import type { GitRemote } from './remote.ts';

interface GitMirrorOptions {
  readonly remote: GitRemote;
  /** Undefined for the repository's own default branch. */
  readonly branch: string | undefined;
  /** Folder for mirrors; created if missing. */
  readonly folder: string;
  readonly command: Omit<GitCommandOptions, 'gitDir' | 'origin'>;
  /** Called after each step of a first clone in steps. */
  readonly onCloneStep: (step: CloneStep) => void;
}

interface GitMirror {
  /** Fetches, repairs a broken mirror if needed, and returns the head. */
  fetch(): Promise<string>;
  /** Fetches a commit by name if it is missing here. False if the repository does not have it. */
  ensure(commit: string): Promise<boolean>;
  /**
   * Runs commands that only read and contact no host; `obtain` fetches contents that the mirror does not have. If the
   * mirror is broken, it is made again once and the work is repeated.
   */
  reading<T>(work: (git: GitCommand, obtain: Obtain) => Promise<T>): Promise<T>;
  /** Runs work with a command that can contact the source. Fault `push_refused`. */
  pushing(work: (command: GitCommand, origin: GitCommand) => Promise<void>): Promise<void>;
}

const HEAD_REF = 'refs/ota/head';
/** Errors of the remote side, even if they look like errors of the mirror. */
const AWAY =
  /could not read from remote|unable to access '[a-z]+:|couldn't find remote ref|couldn't connect|authentication failed/i;
/** Errors of the mirror itself: damaged objects, or a lock left behind by a crash. */
const BROKEN =
  /corrupt|not a git repository|unable to (read|open|access|create)|bad (object|tree|signature)|missing|is empty|did not send all|inflate|truncated|garbage|packfile|index file|broken|invalid sha1 pointer|not a valid object|does not point to a valid object/i;

const isBroken = (error: unknown): boolean =>
  error instanceof GitExit && !AWAY.test(error.output) && BROKEN.test(error.output);

const exists = (folder: string): Promise<boolean> =>
  stat(folder).then(
    found => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw error;
    },
  );

export function gitMirror(options: GitMirrorOptions): GitMirror {
  const { remote } = options;
  const home = path.join(options.folder, `${remote.key}.git`);
  const git = (gitDir: string): GitCommand => gitCommand({ ...options.command, gitDir });
  const reaching = (gitDir: string): GitCommand =>
    gitCommand({ ...options.command, gitDir, origin: remote.url });
  // Contents are fetched when they are read, because a repository may contain much more than releases. A local one needs no fetch.
  const filter = remote.localPath === undefined ? ['--filter=blob:none'] : [];
  const source = options.branch === undefined ? 'HEAD' : `refs/heads/${options.branch}`;

  const fetchInto = (gitDir: string, refspec: string, more: readonly string[] = []): Promise<string> =>
    reaching(gitDir).text([
      'fetch',
      '--quiet',
      '--force',
      '--no-tags',
      '--no-recurse-submodules',
      ...filter,
      ...more,
      'origin',
      refspec,
    ]);

  const obtain: Obtain = async objects => {
    const how = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', ...filter];
    await reaching(home)
      .text(
        ['-c', 'fetch.negotiationAlgorithm=noop', 'fetch', ...how, '--stdin', 'origin'],
        undefined,
        `${objects.join('\n')}\n`,
      )
      .catch(unreachable);
  };

  const headIn = async (gitDir: string): Promise<string> =>
    (
      await git(gitDir).text(['rev-parse', '--verify', '--quiet', '--end-of-options', `${HEAD_REF}^{commit}`])
    ).trim();

  /** Replaces the mirror only after the new one is complete. */
  async function remake(): Promise<string> {
    const fresh = `${home}.new`;
    await firstClone({
      folder: fresh,
      git: git(fresh),
      fetch: more => fetchInto(fresh, `+${source}:${HEAD_REF}`, more),
      ref: HEAD_REF,
      onStep: options.onCloneStep,
    }).catch(unreachable);
    const head = await headIn(fresh);
    await rm(home, { recursive: true, force: true });
    await rename(fresh, home);
    return head;
  }

  /** Deletes mirrors of former sources, which only take up space. */
  async function forgetOthers(): Promise<void> {
    const others = (await readdir(options.folder)).filter(
      name => /^[0-9a-f]{16}\.git(\.new)?$/.test(name) && !name.startsWith(remote.key),
    );
    for (const name of others) await rm(path.join(options.folder, name), { recursive: true, force: true });
  }

  async function unreachable(error: unknown): Promise<never> {
    if (!(error instanceof GitExit)) throw error;
    if (/couldn't find remote ref/i.test(error.output)) throw await branchUnknown();
    throw new Fault('source_unreachable', `cannot fetch from ${remote.shown}: ${error.message}`, {
      retry: 'backoff',
    });
  }

  /** If a web page, such as a login form, answers every address, Git sees a repository without branches. */
  async function branchUnknown(): Promise<Fault> {
    const heads = await reaching(options.folder)
      .text(['ls-remote', '--heads', 'origin'])
      .catch(() => ''); // the branch is missing either way
    const what = options.branch === undefined ? 'commit' : `branch ${options.branch}`;
    const hint =
      heads.trim() === ''
        ? ': it has no branches, or the address is not a Git repository but, for example, a login page'
        : `: check OTA_SOURCE_BRANCH`;
    return new Fault('branch_unknown', `${remote.shown} has no ${what}${hint}`, { retry: 'backoff' });
  }

  /** Whether the mirror is intact enough to fetch into. Other damage is noticed when it is read. */
  const isSound = async (): Promise<boolean> => {
    if (!(await exists(home))) return false;
    return git(home)
      .text(['rev-parse', '--verify', '--quiet', '--end-of-options', `${HEAD_REF}^{tree}`])
      .then(
        () => true,
        error => {
          if (error instanceof GitExit) return false;
          throw error;
        },
      );
  };

  let alone = false;
  async function fetch(): Promise<string> {
    const head = await fetchHead();
    if (!alone) await forgetOthers();
    alone = true;
    return head;
  }

  async function fetchHead(): Promise<string> {
    if (!(await isSound())) return remake();
    try {
      await fetchInto(home, `+${source}:${HEAD_REF}`);
      return await headIn(home);
    } catch (error) {
      return isBroken(error) ? remake() : unreachable(error);
    }
  }

  async function reading<T>(work: (command: GitCommand, obtain: Obtain) => Promise<T>): Promise<T> {
    const unreadable = (error: unknown): never => {
      if (!(error instanceof GitExit)) throw error;
      throw new Fault('source_unreadable', `${remote.shown} cannot be read: ${error.message}`, {
        retry: 'backoff',
      });
    };
    if (!(await exists(home))) await remake();
    try {
      return await work(git(home), obtain);
    } catch (error) {
      // An answer that Git reports as an error is not a reason to clone everything again.
      if (!isBroken(error) && (!(error instanceof GitExit) || (await isSound()))) return unreadable(error);
      await remake();
      return work(git(home), obtain).catch(unreadable);
    }
  }

  const has = (commit: string): Promise<boolean> =>
    git(home)
      .text(['cat-file', '-e', '--end-of-options', `${commit}^{commit}`])
      .then(
        () => true,
        error => {
          if (error instanceof GitExit) return false;
          throw error;
        },
      );

  async function ensure(commit: string): Promise<boolean> {
    if (!(await exists(home))) await remake();
    if (await has(commit)) return true;
    // A commit of a pull request, or one that a history rewrite removed. Hosts serve those by name.
    await fetchInto(home, commit).catch((error: unknown) => {
      if (!(error instanceof GitExit)) throw error;
    });
    if (await has(commit)) return true;
    if (await isSound()) return false;
    await remake();
    return has(commit);
  }

  const pushing = (work: (command: GitCommand, origin: GitCommand) => Promise<void>): Promise<void> =>
    work(git(home), reaching(home)).catch((error: unknown) => {
      if (!(error instanceof GitExit)) throw error;
      throw new Fault('push_refused', `cannot push to ${remote.shown}: ${error.message}`, { retry: 'never' });
    });

  return { fetch, ensure, reading, pushing };
}
