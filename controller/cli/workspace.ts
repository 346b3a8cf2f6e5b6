/** The desired state in front of the person: a folder, and the Git repository around it if there is one. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { simpleGit } from 'simple-git';
import type { Snapshot } from '../domain/decision.ts';
import { Fault } from '../domain/fault.ts';
import type { Standing } from '../domain/plan/index.ts';
import { pictureOf } from '../domain/plan/standing.ts';
import { checkPolicy } from '../domain/policy/index.ts';
import { renderPath } from '../domain/problem.ts';
import { advanceClock } from '../domain/ramp.ts';
import type { DesiredState, Rollout } from '../domain/release.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { SourceTree } from '../ports/index.ts';
import { folderSource } from '../source/folder.ts';
import { type LocalRepository, localRepository } from '../source/git/local-repository.ts';
import { findRampStart } from '../source/ramp-start.ts';
import { parseState, parseTree } from '../yaml/parse.ts';
import type { Io } from './io.ts';
import { errorsIn, type Placed } from './problem-formats.ts';

export type { Standing } from '../domain/plan/index.ts';

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

// ---------------------------------------------------------------- judging

export interface Judged {
  /** Undefined when there is any error. */
  readonly state: DesiredState | undefined;
  /** Errors and warnings, files named from where the reader stands. */
  readonly problems: readonly Placed[];
  readonly files: number;
}

/** Every check that can be made without a controller: files, rules, the change against `base`, and its policy. */
export async function judgeHead(
  workspace: Workspace,
  tree: SourceTree,
  base: Standing | undefined,
  nowMs: number,
): Promise<Judged> {
  const against = base === undefined ? undefined : { ...base, formerBuilds: new Map() };
  const parsed = parseState(tree, against, { nowMs });
  const policy = base?.state.policy;
  const findings =
    parsed.state === undefined || base === undefined || policy === undefined
      ? []
      : checkPolicy(policy, base, standingOf(base, parsed.state, nowMs), nowMs);
  const { locate } = parseTree(tree.files);
  const problems = [
    ...parsed.problems,
    ...findings.map(f => ({ ...f, ...locate(f.file, f.path), path: renderPath(f.path) })),
  ].map(p => ({ ...p, file: shownFile(workspace, p.file) }));
  return { state: errorsIn(problems) > 0 ? undefined : parsed.state, problems, files: tree.files.length };
}

const shownFile = (workspace: Workspace, file: string): string =>
  workspace.shown === '.' ? file : `${workspace.shown}/${file}`;

/** What would stand if `state` were merged over `base` now: a ramp that goes on keeps its clock, a new one begins. */
export function standingOf(base: Standing | undefined, state: DesiredState, nowMs: number): Standing {
  const before = base === undefined ? undefined : { rollout: base.state.rollout, clock: base.clock };
  return { state, clock: advanceClock(before, state.rollout, nowMs) };
}

/** What stands at a merged revision, its ramp's clock from history. Faults `revision_unknown`, `base_invalid`. */
export async function standingAt(workspace: Workspace, name: string, nowMs: number): Promise<Standing> {
  const tree = await workspace.at(name);
  const { state, problems } = parseState(tree, undefined, { nowMs });
  if (state === undefined) {
    const first = problems.find(p => p.severity === 'error');
    const where =
      first === undefined ? '' : `\n  ${shownFile(workspace, first.file)}:${first.line}: ${first.message}`;
    throw new Fault(
      'base_invalid',
      `the desired state at ${name} is itself invalid, so nothing can be compared with it${where}`,
      { retry: 'never' },
    );
  }
  const { repository } = workspace;
  if (repository === undefined) throw new Error('assertion: a revision was read without a repository');
  const start = await findRampStart(repository, tree.revision, state.rollout, undefined, nowMs, rolloutIn);
  return { state, clock: start.clock };
}

/** One old version of rollout.yaml by itself; undefined when it does not parse. */
const rolloutIn = ({ content }: { content: Buffer }): Rollout | undefined =>
  parseTree([{ path: ROLLOUT_FILE, content }]).state?.rollout;

/** The picture that decisions are made from, as if this had been applied now. */
export const pictureAt = (standing: Standing, nowMs: number): Snapshot => pictureOf(standing, nowMs);
