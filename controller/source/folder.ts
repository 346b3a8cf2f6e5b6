/** Desired state from a plain folder: for trials, and for sites that copy the files there themselves. */
import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../domain/fault.ts';
import type { Revision } from '../domain/ids.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES } from '../domain/layout.ts';
import type { RolloutVersion, Source, SourceFile, SourceTree } from '../ports/index.ts';
import { treeHashOf } from './tree-hash.ts';

interface FolderSourceOptions {
  /** The folder that holds rollout.yaml. */
  readonly folder: string;
  /** How long the folder must be quiet before a change is reported; default 100 ms. */
  readonly debounceMs?: number | undefined;
  /** The time of content that is new since the last read. Without it only the files' own times count. */
  readonly nowMs?: (() => number) | undefined;
}

const MAX_READS = 20;
const READ_PAUSE_MS = 25;
const MAX_DEPTH = 8;

/**
 * A folder has no history: its revision is the hash of its content, and `descends` is always true.
 * Faults: `source_unreadable`, `source_changing` (it keeps changing), `revision_unknown` (its content has changed).
 */
export function folderSource(options: FolderSourceOptions): Source {
  const folder = path.resolve(options.folder);
  const readNow = (): Promise<SourceTree> => readSteadily(folder);
  /** The tree that `head` read last, so that `read` returns exactly this tree. */
  let seen: SourceTree | undefined;
  let lookedAtMs = 0;

  async function head(): Promise<Revision> {
    const atMs = options.nowMs?.() ?? 0;
    const now = await readNow();
    if (seen?.revision !== now.revision)
      // A copied file keeps the time of its original. But new content is newer than the last read, and a ramp that
      // begins with its revision must not begin days ago.
      seen = { ...now, committedAtMs: Math.max(now.committedAtMs, seen === undefined ? 0 : lookedAtMs) };
    lookedAtMs = atMs;
    return seen.revision;
  }

  async function read(revision: Revision): Promise<SourceTree> {
    if (seen?.revision === revision) return seen;
    const now = await readNow();
    if (now.revision === revision) return now;
    throw new Fault('revision_unknown', 'the content of the folder has changed', { retry: 'never' });
  }

  async function* rolloutHistory(revision: Revision, since?: Revision): AsyncGenerator<RolloutVersion> {
    if (revision === since) return;
    const { committedAtMs, files } = await read(revision);
    const file = files.find(f => f.path === 'rollout.yaml');
    if (file !== undefined && 'content' in file) yield { revision, committedAtMs, content: file.content };
  }

  return {
    head,
    read,
    rolloutHistory,
    descends: async () => true,
    watch: onHint => watchFolder(folder, onHint, options.debounceMs ?? 100),
  };
}

/** Reads until two reads are equal, because files are changed one by one but must be judged together. */
async function readSteadily(folder: string): Promise<SourceTree> {
  let last = await readOnce(folder);
  for (let reads = 1; reads < MAX_READS; reads++) {
    await pause(READ_PAUSE_MS);
    const again = await readOnce(folder);
    if (again !== undefined && again.stamp === last?.stamp) return again.tree;
    last = again;
  }
  throw new Fault('source_changing', 'the folder keeps changing while it is read', { retry: 'backoff' });
}

interface Reading {
  readonly tree: SourceTree;
  /** Content and modification times: while a file is rewritten, two reads may both find it empty. */
  readonly stamp: string;
}

/** Undefined if something was deleted during the read. */
async function readOnce(folder: string): Promise<Reading | undefined> {
  try {
    const root = await versionIn(folder);
    const entries = await listFolder(root, '', 0);
    const files: SourceFile[] = [];
    const times: number[] = [];
    let leftBytes = MAX_TREE_BYTES;
    for (const entry of entries.slice(0, MAX_FILES + 1)) {
      const { file, changedAtMs } = await readEntry(root, entry, leftBytes);
      files.push(file);
      if ('content' in file) leftBytes -= file.content.length;
      times.push(changedAtMs);
    }
    const treeHash = treeHashOf(files);
    const committedAtMs = times.reduce((newest, ms) => Math.max(newest, Math.floor(ms)), 0);
    return {
      tree: { revision: `folder:${treeHash}`, committedAtMs, treeHash, files },
      stamp: `${treeHash} ${times.join(' ')}`,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It was deleted, or became a link, since the folder was listed.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw new Fault('source_unreadable', `the folder cannot be read (${code ?? 'unknown reason'})`, {
      retry: 'backoff',
      cause: error,
    });
  }
}

/** In a mounted ConfigMap, `..data` is a link to the directory next to it with the complete newest version. */
const CONFIG_MAP_LINK = '..data';

/** The directory to read: the folder itself, or the version that a mounted ConfigMap shows. */
async function versionIn(folder: string): Promise<string> {
  const target = await readlink(path.join(folder, CONFIG_MAP_LINK)).catch(() => undefined);
  // Kubernetes uses no other names. Any other link is refused, like all links.
  if (target === undefined || !/^\.\.[^/.][^/]*$/.test(target)) return folder;
  const version = path.join(folder, target);
  const found = await lstat(version).catch(() => undefined);
  return found?.isDirectory() === true ? version : folder;
}

interface FolderEntry {
  readonly path: string;
  readonly kind: 'file' | 'symlink' | 'not_a_file';
}

/** Sorted. A missing folder counts as empty and is not an error here, because parsing reports what is missing. */
async function listFolder(folder: string, under: string, depth: number): Promise<FolderEntry[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(path.join(folder, under), { withFileTypes: true });
  } catch (error) {
    if (depth === 0 && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const found: FolderEntry[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.posix.join(under, entry.name);
    if (entry.isDirectory() && depth < MAX_DEPTH) found.push(...(await listFolder(folder, name, depth + 1)));
    else if (entry.isFile()) found.push({ path: name, kind: 'file' });
    else found.push({ path: name, kind: entry.isSymbolicLink() ? 'symlink' : 'not_a_file' });
    if (found.length > MAX_FILES) break;
  }
  return found;
}

async function readEntry(
  folder: string,
  entry: FolderEntry,
  leftBytes: number,
): Promise<{ file: SourceFile; changedAtMs: number }> {
  const full = path.join(folder, entry.path);
  const { mtimeMs: changedAtMs } = await lstat(full);
  if (entry.kind !== 'file') return { file: { path: entry.path, refused: entry.kind }, changedAtMs };
  const content = await readBounded(full, Math.min(MAX_FILE_BYTES, leftBytes));
  if (content === undefined) return { file: { path: entry.path, refused: 'file_too_large' }, changedAtMs };
  return { file: { path: entry.path, content }, changedAtMs };
}

/** Undefined if the file is too large. Reads at most one byte more than the reported size. */
async function readBounded(file: string, maxBytes: number): Promise<Buffer | undefined> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) return undefined;
    const buffer = Buffer.alloc(size + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead <= size) return buffer.subarray(0, bytesRead);
    // The file grew during the read. The next read will notice.
    return undefined;
  } finally {
    await handle.close();
  }
}

/** Editors write in several steps, so a single hint follows once the folder is quiet. */
async function watchFolder(
  folder: string,
  onHint: () => void,
  debounceMs: number,
): Promise<() => Promise<void>> {
  let timer: NodeJS.Timeout | undefined;
  const hint = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onHint, debounceMs);
  };
  const { watch: watchFiles } = await import('chokidar'); // loaded only here: the command line does not watch
  const watcher = watchFiles(folder, { ignoreInitial: true, followSymlinks: false });
  watcher.on('all', hint);
  // An error loses only a hint: the timer reads the folder too.
  watcher.on('error', hint);
  await new Promise<void>(resolve => watcher.once('ready', resolve));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
