/** The desired state in front of the person: a folder, and the Git repository around it if there is one. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { simpleGit } from 'simple-git';
import { Fault } from '../domain/fault.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { SourceTree } from '../ports/index.ts';
import { folderSource } from '../source/folder.ts';
import { type LocalRepository, localRepository } from '../source/git/local-repository.ts';
import type { Io } from './io.ts';

export interface Repository extends LocalRepository {
  /** Where the desired state stands in it, with forward slashes; `.` is its top. */
  readonly path: string;
}

export interface Workspace {
  /** Absolute. */
  readonly dir: string;
  /** How it is called in messages and annotations: relative to the repository, else as it was given. */
  readonly shown: string;
  readonly repository: Repository | undefined;
  /** The files as they are now. */
  working(): Promise<SourceTree>;
  /** The files at a revision. Faults `not_a_repository`, `revision_unknown`. */
  at(name: string): Promise<SourceTree>;
}

/** Fault `folder_unreadable`. Git is asked only when there is a repository around the folder. */
export async function openWorkspace(io: Pick<Io, 'cwd' | 'environment'>, dir: string): Promise<Workspace> {
  const absolute = path.resolve(io.cwd, dir);
  const repository = await repositoryAround(absolute, io.environment);
  const shown = repository === undefined || repository.path === '.' ? plainName(dir) : repository.path;
  return {
    dir: absolute,
    shown,
    repository,
    working: async () => {
      await mustBeFolder(absolute, dir);
      const folder = folderSource({ folder: absolute });
      return folder.read(await folder.head());
    },
    at: async name => {
      if (repository === undefined)
        throw new Fault(
          'not_a_repository',
          `${dir} is not in a Git repository, so there is no revision ${JSON.stringify(name)}`,
          { retry: 'never' },
        );
      return repository.read(await repository.resolve(name));
    },
  };
}

const plainName = (dir: string): string =>
  path.posix.normalize(dir.split(path.sep).join('/')).replace(/\/$/, '');

/** A folder that was deleted is still in its repository: the nearest one above that is there is asked. */
async function repositoryAround(
  dir: string,
  environment: Io['environment'],
): Promise<Repository | undefined> {
  const near = await nearestFolder(dir);
  let answer: string;
  try {
    answer = await simpleGit({ baseDir: near }).raw(['rev-parse', '--show-toplevel', '--absolute-git-dir']);
  } catch (error) {
    const message = (error as Error).message;
    if (/not a git repository/i.test(message)) return undefined;
    // A bare repository, a foreign owner, no git program: files can still be read, revisions cannot.
    return undefined;
  }
  const [root = '', gitDir = ''] = answer.trim().split('\n');
  const inside = path.relative(
    await realpath(root),
    path.join(await realpath(near), path.relative(near, dir)),
  );
  const subPath = inside === '' ? '.' : inside.split(path.sep).join('/');
  return { ...localRepository({ gitDir, root, subPath, environment }), path: subPath };
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
      `cannot read ${given}: ${why}\n  looked at ${absolute}; name the folder that holds rollout.yaml`,
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
  // The top of a repository instead of its desired state: every file would be called unexpected.
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
