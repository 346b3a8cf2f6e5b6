/**
 * A bare clone of the source repository in the data folder. It is only a cache: made in a folder beside and renamed
 * when whole, made anew when it is broken, and usable while the repository is away.
 */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { type GitCommand, type GitCommandOptions, GitExit, gitCommand } from './command.ts';
import type { GitRemote } from './remote.ts';

export interface GitMirrorOptions {
  readonly remote: GitRemote;
  /** Undefined: the repository's own default branch. */
  readonly branch: string | undefined;
  /** Folder for mirrors, made when missing. */
  readonly folder: string;
  readonly command: Omit<GitCommandOptions, 'gitDir'>;
}

export interface GitMirror {
  /** Fetches, mends a broken mirror on the way, and names the head. */
  fetch(): Promise<string>;
  /** Makes sure of one commit: fetches it by name when it is not here. False when the repository has none such. */
  ensure(commit: string): Promise<boolean>;
  /** Runs a reading command; a broken mirror is made anew once and the command tried again. */
  reading<T>(work: (git: GitCommand) => Promise<T>): Promise<T>;
}

const HEAD_REF = 'refs/ota/head';
/** The other side's trouble, however alike it sounds. */
const AWAY =
  /could not read from remote|unable to access '[a-z]+:|couldn't find remote ref|couldn't connect|authentication failed/i;
/** Trouble with the mirror itself: damaged objects, or a lock left behind by a crash. */
const BROKEN =
  /corrupt|not a git repository|unable to (read|open|access|create)|bad (object|tree|signature)|missing|is empty|did not send all|inflate|truncated|garbage|packfile|index file|broken|invalid sha1 pointer|not a valid object|does not point to a valid object/i;

const isBroken = (error: unknown): boolean =>
  error instanceof GitExit && !AWAY.test(error.message) && BROKEN.test(error.message);

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
  const source = options.branch === undefined ? 'HEAD' : `refs/heads/${options.branch}`;

  const fetchInto = (gitDir: string, refspec: string): Promise<string> =>
    git(gitDir).text([
      'fetch',
      '--quiet',
      '--force',
      '--no-tags',
      '--no-recurse-submodules',
      '--',
      remote.url,
      refspec,
    ]);

  const headIn = async (gitDir: string): Promise<string> =>
    (
      await git(gitDir).text(['rev-parse', '--verify', '--quiet', '--end-of-options', `${HEAD_REF}^{commit}`])
    ).trim();

  /** Never destroys a mirror before its successor is whole. */
  async function remake(): Promise<string> {
    const fresh = `${home}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    await git(fresh).text(['init', '--quiet', '--bare', '--', fresh]);
    await fetchInto(fresh, `+${source}:${HEAD_REF}`).catch(unreachable);
    const head = await headIn(fresh);
    await rm(home, { recursive: true, force: true });
    await rename(fresh, home);
    return head;
  }

  function unreachable(error: unknown): never {
    if (!(error instanceof GitExit)) throw error;
    if (/couldn't find remote ref/i.test(error.message))
      throw new Fault('branch_unknown', `${remote.shown} has no ${options.branch ?? 'commit'}`, {
        retry: 'backoff',
      });
    throw new Fault('source_unreachable', `cannot fetch from ${remote.shown}: ${error.message}`, {
      retry: 'backoff',
    });
  }

  /** Sound enough to be fetched into: whatever else is broken shows when it is read. */
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

  async function fetch(): Promise<string> {
    if (!(await isSound())) return remake();
    try {
      await fetchInto(home, `+${source}:${HEAD_REF}`);
      return await headIn(home);
    } catch (error) {
      return isBroken(error) ? remake() : unreachable(error);
    }
  }

  async function reading<T>(work: (command: GitCommand) => Promise<T>): Promise<T> {
    if (!(await exists(home))) await remake();
    try {
      return await work(git(home));
    } catch (error) {
      if (!(error instanceof GitExit)) throw error;
      await remake();
      return work(git(home)).catch((again: unknown) => {
        if (!(again instanceof GitExit)) throw again;
        throw new Fault('source_unreadable', `${remote.shown} cannot be read: ${again.message}`, {
          retry: 'backoff',
        });
      });
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
    // A commit of a pull request, or one that a rewrite has cut off: hosts hand those out by name.
    await fetchInto(home, commit).catch((error: unknown) => {
      if (!(error instanceof GitExit)) throw error;
    });
    if (await has(commit)) return true;
    if (await isSound()) return false;
    await remake();
    return has(commit);
  }

  return { fetch, ensure, reading };
}
