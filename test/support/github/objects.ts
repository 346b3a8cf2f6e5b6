/**
 * Writes Git's objects and refs as files, as Git does: a process for each would take most of the time of the tests that
 * commit to the stand-in GitHub. Formats: gitformat-loose (an object is "kind size NUL body", named by its SHA-1, deflated).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';

/** Of one file of a tree: its mode as Git writes it, and the name of its blob. */
export interface Entry {
  readonly mode: string;
  readonly sha: string;
}

/** All files of a tree by their path. */
export type Listing = ReadonlyMap<string, Entry>;

export interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** `name <mail> seconds +0000` */
  readonly author: string;
  readonly committer: string;
}

/** Each answers the name of what was written. */
export interface Objects {
  blob(content: string): string;
  tree(listing: Listing): string;
  commit(commit: NewCommit): string;
  /** Sets `refs/…`, or deletes it when there is no commit. */
  ref(name: string, commit: string | undefined): void;
}

/** Git sorts by bytes, and a folder as if its name ended with a slash. */
const byName = ([a]: [string, Entry], [b]: [string, Entry]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The entries of one folder: files under their name, folders under their name and a slash. */
function entriesOf(listing: Listing, write: (below: Listing) => string): [string, Entry][] {
  const entries: [string, Entry][] = [];
  const folders = new Map<string, Map<string, Entry>>();
  for (const [name, entry] of listing) {
    const slash = name.indexOf('/') + 1;
    if (slash === 0) {
      entries.push([name, entry]);
      continue;
    }
    const folder = name.slice(0, slash);
    folders.set(folder, (folders.get(folder) ?? new Map()).set(name.slice(slash), entry));
  }
  for (const [folder, below] of folders) entries.push([folder, { mode: '40000', sha: write(below) }]);
  return entries.sort(byName);
}

/** `dir` is a bare repository whose refs and new objects are files of their own. */
export function makeObjects(dir: string): Objects {
  const write = (kind: 'blob' | 'tree' | 'commit', body: Buffer): string => {
    const object = Buffer.concat([Buffer.from(`${kind} ${body.length}\0`), body]);
    const sha = createHash('sha1').update(object).digest('hex');
    const file = path.join(dir, 'objects', sha.slice(0, 2), sha.slice(2));
    if (existsSync(file)) return sha;
    mkdirSync(path.dirname(file), { recursive: true });
    writeWhole(file, deflateSync(object, { level: 1 }));
    return sha;
  };
  const tree: Objects['tree'] = listing => {
    const lines = entriesOf(listing, tree).map(([name, { mode, sha }]) =>
      Buffer.concat([Buffer.from(`${mode} ${name.replace(/\/$/, '')}\0`), Buffer.from(sha, 'hex')]),
    );
    return write('tree', Buffer.concat(lines));
  };
  return {
    blob: content => write('blob', Buffer.from(content)),
    tree,
    commit: ({ tree: top, parents, message, author, committer }) => {
      const lines = [
        `tree ${top}`,
        ...parents.map(parent => `parent ${parent}`),
        `author ${author}`,
        `committer ${committer}`,
      ];
      return write('commit', Buffer.from(`${lines.join('\n')}\n\n${message.replace(/\n?$/, '\n')}`));
    },
    ref: (name, commit) => {
      const file = path.join(dir, name);
      if (commit === undefined) return rmSync(file, { force: true });
      mkdirSync(path.dirname(file), { recursive: true });
      writeWhole(file, `${commit}\n`);
    },
  };
}

/** Nobody who reads at the same time sees half a file. */
function writeWhole(file: string, content: Buffer | string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
