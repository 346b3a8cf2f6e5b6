/** A bare repository written with plumbing: commits, merges and refs without a work tree. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

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
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ada Admin',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.com',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

const ABOUT_OBJECTS = new Set(['cat-file', 'rev-parse', 'show', 'merge-base', 'rev-list', 'log']);
const OBJECT = /^[0-9a-f]{40}(\^\{\w+\})?(\.\.\.?[0-9a-f]{40})?$/;

/** `nowMs` dates the commits: the controller reads the committer's time. */
export function makeBare(dir: string, branch: string, nowMs: () => number): Bare {
  const indexFile = path.join(dir, 'stand-in.index');
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
        GIT_INDEX_FILE: indexFile,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim();
  };
  execFileSync('git', ['init', '-q', '--bare', '-b', branch, dir]);
  run(['config', 'http.receivepack', 'true']);
  run(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  run(['config', 'receive.denyNonFastForwards', 'false']);

  // Refs stay files of their own, so that a branch is read without a process.
  run(['config', 'gc.auto', '0']);
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
  const blobs = new Map<string, string>();
  const blobOf = (content: string): string => {
    const sha = blobs.get(content) ?? run(['hash-object', '-w', '--stdin'], content);
    blobs.set(content, sha);
    return sha;
  };
  const treeOf: Bare['tree'] = (base, files) => {
    rmSync(indexFile, { force: true });
    if (base !== undefined) run(['read-tree', base]);
    const lines = Object.entries(files).map(([file, content]) =>
      content === undefined ? `0 ${'0'.repeat(40)}\t${file}\n` : `100644 ${blobOf(content)}\t${file}\n`,
    );
    if (lines.length > 0) run(['update-index', '--index-info'], lines.join(''));
    return run(['write-tree']);
  };
  return {
    dir,
    tip,
    git,
    tree: treeOf,
    commit: (name, files, message, from) => {
      const parent = tip(name) ?? (from === undefined ? undefined : run(['rev-parse', `${from}^{commit}`]));
      const parents = parent === undefined ? [] : ['-p', parent];
      const commit = run(['commit-tree', treeOf(parent, files), ...parents, '-m', message]);
      run(['update-ref', `refs/heads/${name}`, commit]);
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
            return run(['commit-tree', merged(base, head), '-p', base, '-p', head, '-m', message]);
          case 'squash':
            return run(['commit-tree', merged(base, head), '-p', base, '-m', message]);
          case 'rebase':
            return run(['rev-list', '--reverse', '--no-merges', `${base}..${head}`])
              .split('\n')
              .reduce((onto, one) => {
                const tree = merged(onto, one);
                return run(['commit-tree', tree, '-p', onto, '-m', run(['show', '-s', '--format=%B', one])]);
              }, base);
          case 'fast-forward':
            run(['merge-base', '--is-ancestor', base, head]);
            return head;
        }
      };
      const commit = make();
      run(['update-ref', `refs/heads/${into}`, commit]);
      return commit;
    },
  };
}
