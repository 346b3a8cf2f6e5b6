/** A real Git repository with a `releases/` folder, for tests that commit. */
import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { withFolder } from './folder.ts';
import type { ReleaseFiles } from './releases.ts';
import { NOW_MS } from './state.ts';

const run = promisify(execFile);

export interface Repository {
  /** The working tree: its path is a URL that Git takes. */
  readonly folder: string;
  git(...args: string[]): Promise<string>;
  /** Makes `releases/` hold exactly these files and commits; resolves to the commit. */
  commit(files: ReleaseFiles, at?: { atMs?: number; message?: string }): Promise<string>;
  /** Adds a symbolic link to the index; the next commit of `record` takes it along. */
  link(name: string, target: string): Promise<void>;
  /** Commits whatever is in the working tree. */
  record(atMs?: number): Promise<string>;
}

/** The environment of test repositories: nothing of the person who runs the tests. */
export const gitEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
});

export async function makeRepository(folder: string): Promise<Repository> {
  await mkdir(folder, { recursive: true });
  let atMs = NOW_MS;
  const git = async (...args: string[]): Promise<string> => {
    const date = `${Math.floor(atMs / 1000)} +0000`;
    const { stdout } = await run('git', args, {
      cwd: folder,
      env: {
        ...gitEnvironment(path.dirname(folder)),
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'A. Releaser',
        GIT_AUTHOR_EMAIL: 'releaser@example.com',
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: 'A. Releaser',
        GIT_COMMITTER_EMAIL: 'releaser@example.com',
        GIT_COMMITTER_DATE: date,
      },
    });
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  // Otherwise each commit starts Git once more, to see whether it should tidy up.
  await appendFile(path.join(folder, '.git/config'), '[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n');
  const head = async (): Promise<string> => {
    const at = await readFile(path.join(folder, '.git/HEAD'), 'utf8');
    const ref = /^ref: (\S+)/.exec(at)?.[1];
    return (ref === undefined ? at : await readFile(path.join(folder, '.git', ref), 'utf8')).trim();
  };
  const record = async (at = atMs + 60_000, message = 'change releases'): Promise<string> => {
    atMs = at;
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '--message', message);
    return head();
  };
  return {
    folder,
    git,
    record,
    commit: async (files, at = {}) => {
      await rm(path.join(folder, 'releases'), { recursive: true, force: true });
      for (const [name, text] of Object.entries(files)) {
        const file = path.join(folder, 'releases', name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
      }
      return record(at.atMs, at.message);
    },
    link: async (name, target) => {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await symlink(target, file);
    },
  };
}

/** `place` is an empty folder beside the repository, for mirrors and the like. */
export const withRepository = <T>(use: (repository: Repository, place: string) => Promise<T>): Promise<T> =>
  withFolder(async folder => {
    const place = path.join(folder, 'place');
    await mkdir(place);
    return use(await makeRepository(path.join(folder, 'repository')), place);
  });
