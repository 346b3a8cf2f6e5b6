/** The user's desired state: a folder, and the Git repository around it if there is one. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { SourceTree } from '../ports/index.ts';
import { folderSource } from '../source/folder.ts';
import { type LocalRepository, localRepository } from '../source/git/local-repository.ts';
import { type GitEnd, runGit } from '../source/git/process.ts';
import type { Io } from './io.ts';

export interface Repository extends LocalRepository {
  /** The path of the desired state in it, with forward slashes; `.` is the top. */
  readonly path: string;
}

export interface Workspace {
  /** Absolute. */
  readonly dir: string;
  /** Its path in messages and annotations: relative to the repository, or else as given. */
  readonly shown: string;
  readonly repository: Repository | undefined;
  /** Why the repository around the folder cannot be read; undefined if it can, or if there is none. */
  readonly unreadable: Fault | undefined;
  /** The files as they are now. */
  working(): Promise<SourceTree>;
  /** The files at a revision. Faults `not_a_repository`, `repository_unreadable`, `git_missing`, `revision_unknown`. */
  at(name: string): Promise<SourceTree>;
}

/** Fault `folder_unreadable`. Runs Git only if there is a repository around the folder. */
export async function openWorkspace(io: Pick<Io, 'cwd' | 'environment'>, named: string): Promise<Workspace> {
  const dir = await meantFolder(io.cwd, named);
  const absolute = path.resolve(io.cwd, dir);
  const found = await repositoryAround(absolute, io.environment);
  const unreadable = found instanceof Fault ? found : undefined;
  const repository = found instanceof Fault ? undefined : found;
  const shown = repository === undefined || repository.path === '.' ? plainName(dir) : repository.path;
  return {
    dir: absolute,
    shown,
    repository,
    unreadable,
    working: async () => {
      await mustBeFolder(absolute, dir);
      const folder = folderSource({ folder: absolute });
      return folder.read(await folder.head());
    },
    at: async name => {
      if (unreadable !== undefined) throw unreadable;
      if (repository === undefined)
        throw notARepository(dir, `so there is no revision ${JSON.stringify(name)}`);
      return repository.read(await repository.resolve(name));
    },
  };
}

const notARepository = (dir: string, so: string): Fault =>
  new Fault('not_a_repository', `${dir} is not in a Git repository, ${so}`, { retry: 'never' });

/** For verbs that need Git. Faults `not_a_repository`, `repository_unreadable`, `git_missing`. */
export function repositoryOf({ repository, unreadable }: Workspace, dir: string): Repository {
  if (unreadable !== undefined) throw unreadable;
  if (repository === undefined) throw notARepository(dir, 'but this command needs one');
  return repository;
}

/** If the user is inside `releases` and names no folder, the current folder is meant. */
async function meantFolder(cwd: string, dir: string): Promise<string> {
  if (dir !== 'releases' || (await isThere(path.join(cwd, dir)))) return dir;
  return (await isThere(path.join(cwd, ROLLOUT_FILE))) ? '.' : dir;
}

const plainName = (dir: string): string =>
  path.posix.normalize(dir.split(path.sep).join('/')).replace(/\/$/, '');

/** A deleted folder may still be in a repository, so this asks the nearest existing folder above it. */
async function repositoryAround(
  dir: string,
  environment: Io['environment'],
): Promise<Repository | Fault | undefined> {
  const near = await nearestFolder(dir);
  let answer: GitEnd;
  try {
    const args = ['rev-parse', '--show-toplevel', '--absolute-git-dir'];
    answer = await runGit({ args, folder: near, env: plainSpoken(environment), timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'git_missing') throw error;
    return (await isInsideRepository(near)) ? gitMissing() : undefined;
  }
  if (answer.exitCode !== 0) return unreadableFor(near, answer.stderr.toString());
  const [root = '', gitDir = ''] = answer.stdout.toString().trim().split('\n');
  const inside = path.relative(
    await realpath(root),
    path.join(await realpath(near), path.relative(near, dir)),
  );
  const subPath = inside === '' ? '.' : inside.split(path.sep).join('/');
  return { ...localRepository({ gitDir, root, subPath, environment }), path: subPath };
}

const TIMEOUT_MS = 60_000;

/** Uses the user's own Git configuration, but English messages, because the code looks for their words. */
const plainSpoken = (environment: Io['environment']): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  ),
  LC_ALL: 'C',
});

const gitMissing = (): Fault =>
  new Fault('git_missing', 'Git is not installed, or not in PATH\n  install Git 2.38 or newer', {
    retry: 'never',
  });

/** Files can be checked without Git. But if a repository exists and cannot be read, the change must not go unchecked. */
function unreadableFor(near: string, said: string): Fault | undefined {
  if (/not a git repository|must be run in a work tree/i.test(said)) return undefined;
  if (/dubious ownership/i.test(said))
    return new Fault(
      'repository_unreadable',
      `the repository around ${near} belongs to another user, so Git does not read it\n  if you trust it: git config --global --add safe.directory ${JSON.stringify(near)} (with the top folder of the repository)`,
      { retry: 'never' },
    );
  const reason = said.split('\n').find(line => /^(fatal|error):/.test(line)) ?? said.split('\n')[0] ?? '';
  return new Fault(
    'repository_unreadable',
    `the repository around ${near} cannot be read: ${reason}\n  run git status there to find the cause`,
    { retry: 'never' },
  );
}

async function isInsideRepository(dir: string): Promise<boolean> {
  if (await isThere(path.join(dir, '.git'))) return true;
  return dir === path.dirname(dir) ? false : isInsideRepository(path.dirname(dir));
}

async function nearestFolder(dir: string): Promise<string> {
  const there = await stat(dir).catch(() => undefined);
  if (there?.isDirectory() === true || dir === path.dirname(dir)) return dir;
  return nearestFolder(path.dirname(dir));
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function mustBeFolder(absolute: string, given: string): Promise<void> {
  const unreadable = (why: string): Fault =>
    new Fault(
      'folder_unreadable',
      `cannot read ${given}: ${why}\n  looked at ${absolute}; name the folder that holds rollout.yaml, or make one: ota init`,
      { retry: 'never' },
    );
  const found = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw unreadable('there is no such folder');
    throw unreadable(error.code ?? error.message);
  });
  if (!found.isDirectory()) throw unreadable('it is a file');
  await access(absolute, constants.R_OK | constants.X_OK).catch(() => {
    throw unreadable('permission is denied');
  });
  // The top folder of a repository was named instead of its desired state. Every file would be reported as unexpected.
  if (
    (await isThere(path.join(absolute, ROLLOUT_FILE))) ||
    !(await isThere(path.join(absolute, 'releases', ROLLOUT_FILE)))
  )
    return;
  throw new Fault(
    'folder_unreadable',
    `${given} holds no rollout.yaml, but its folder releases does\n  did you mean ${path.join(given, 'releases')}?`,
    { retry: 'never' },
  );
}
