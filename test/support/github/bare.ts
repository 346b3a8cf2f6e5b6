/** A bare repository without a work tree: what is new in it is written as files, Git merges and answers questions. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Entry, type Listing, makeObjects } from './objects.ts';

export type MergeMethod = 'merge' | 'squash' | 'rebase' | 'fast-forward';

export interface Bare {
  readonly dir: string;
  git(...args: string[]): string;
  /** The tree of `base` with these files (undefined deletes), committed nowhere. */
  tree(base: string | undefined, files: Readonly<Record<string, string | undefined>>): string;
  /** Commits files (undefined deletes) on a branch that starts at `from`, or at its own tip. */
  commit(
    branch: string,
    files: Readonly<Record<string, string | undefined>>,
    message: string,
    from?: string,
  ): string;
  /**
   * Merges as GitHub does and returns the branch's new tip: `merge` makes a merge commit, `squash` one plain commit,
   * `rebase` a new commit for each of the head's; `fast-forward` is somebody's own push. Throws on a conflict.
   */
  merge(into: string, head: string, message: string, method: MergeMethod): string;
  tip(branch: string): string | undefined;
  /** A commit of a tree on no branch. */
  commitTree(tree: string, parents: readonly string[], message: string): string;
  /** Sets the ref of that full name; deletes it if `commit` is undefined. */
  ref(name: string, commit: string | undefined): void;
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ada Admin',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.com',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

const CONFIG = `[http]
  receivepack = true
[uploadpack]
  allowAnySHA1InWant = true
[receive]
  denyNonFastForwards = false
[gc]
  auto = 0
`;

const ABOUT_OBJECTS = new Set(['cat-file', 'rev-parse', 'show', 'merge-base', 'rev-list', 'log']);
const OBJECT = /^[0-9a-f]{40}(\^\{\w+\})?(\.\.\.?[0-9a-f]{40})?$/;

/** Of `git ls-tree -r -z`. */
const readListing = (told: string): Listing =>
  new Map(
    told.split('\0').flatMap((line): [string, Entry][] => {
      const [, mode, sha, name] = /^(\d+) \w+ ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
      return mode === undefined || sha === undefined || name === undefined ? [] : [[name, { mode, sha }]];
    }),
  );

/** `nowMs` dates the commits: the controller reads the committer's time. */
export function makeBare(dir: string, branch: string, nowMs: () => number): Bare {
  const run = (args: readonly string[], input?: string): string => {
    const date = `@${Math.floor(nowMs() / 1000)} +0000`;
    return execFileSync('git', ['-C', dir, ...args], {
      encoding: 'utf8',
      input,
      env: {
        ...process.env,
        ...IDENTITY,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim();
  };
  execFileSync('git', ['init', '-q', '--bare', '-b', branch, dir]);
  // Refs stay files of their own, so that a branch is read without a process.
  appendFileSync(path.join(dir, 'config'), CONFIG);
  const objects = makeObjects(dir);
  const tip = (name: string): string | undefined => {
    try {
      return readFileSync(path.join(dir, 'refs/heads', name), 'utf8').trim();
    } catch {
      return undefined; // no such branch
    }
  };

  /** What is said of objects by their names never changes: it is asked once. */
  const told = new Map<string, string>();
  const git: Bare['git'] = (...args) => {
    const [command = '', ...about] = args;
    if (!ABOUT_OBJECTS.has(command) || !about.every(a => a.startsWith('-') || OBJECT.test(a)))
      return run(args);
    const key = args.join('\n');
    const answer = told.get(key) ?? run(args);
    told.set(key, answer);
    return answer;
  };
  /** The files of trees and of commits, by the object's name. */
  const listings = new Map<string, Listing>();
  const listingOf = (treeish: string): Listing => {
    const listing =
      listings.get(treeish) ?? readListing(run(['ls-tree', '-r', '-z', '--full-tree', treeish]));
    if (OBJECT.test(treeish)) listings.set(treeish, listing);
    return listing;
  };
  const treeOf: Bare['tree'] = (base, files) => {
    const listing = new Map(base === undefined ? [] : listingOf(base));
    for (const [file, content] of Object.entries(files))
      if (content === undefined) listing.delete(file);
      else listing.set(file, { mode: '100644', sha: objects.blob(content) });
    const tree = objects.tree(listing);
    listings.set(tree, listing);
    told.set(`cat-file\n-e\n${tree}^{tree}`, '');
    return tree;
  };
  const commitTree: Bare['commitTree'] = (tree, parents, message) => {
    const by = (name: string, mail: string): string =>
      `${name} <${mail}> ${Math.floor(nowMs() / 1000)} +0000`;
    const commit = objects.commit({
      tree,
      parents,
      message,
      author: by(IDENTITY.GIT_AUTHOR_NAME, IDENTITY.GIT_AUTHOR_EMAIL),
      committer: by(IDENTITY.GIT_COMMITTER_NAME, IDENTITY.GIT_COMMITTER_EMAIL),
    });
    const listing = listings.get(tree);
    if (listing !== undefined) listings.set(commit, listing);
    told.set(`rev-parse\n${commit}^{tree}`, tree).set(`cat-file\n-e\n${commit}^{commit}`, '');
    return commit;
  };
  return {
    dir,
    tip,
    git,
    tree: treeOf,
    commitTree,
    ref: objects.ref,
    commit: (name, files, message, from) => {
      const parent =
        tip(name) ?? (from === undefined ? undefined : (tip(from) ?? run(['rev-parse', `${from}^{commit}`])));
      const commit = commitTree(treeOf(parent, files), parent === undefined ? [] : [parent], message);
      objects.ref(`refs/heads/${name}`, commit);
      return commit;
    },
    merge: (into, head, message, method) => {
      const base = tip(into);
      if (base === undefined) throw new Error(`no branch ${into}`);
      const merged = (onto: string, of: string): string =>
        run(['merge-tree', '--write-tree', onto, of]).split('\n')[0] ?? '';
      const make = (): string => {
        switch (method) {
          case 'merge':
            return commitTree(merged(base, head), [base, head], message);
          case 'squash':
            return commitTree(merged(base, head), [base], message);
          case 'rebase':
            return run(['rev-list', '--reverse', '--no-merges', `${base}..${head}`])
              .split('\n')
              .reduce(
                (onto, one) => commitTree(merged(onto, one), [onto], git('show', '-s', '--format=%B', one)),
                base,
              );
          case 'fast-forward':
            run(['merge-base', '--is-ancestor', base, head]);
            return head;
        }
      };
      const commit = make();
      objects.ref(`refs/heads/${into}`, commit);
      return commit;
    },
  };
}
