/** The source of the desired state: files at one revision, and hints about newer revisions. */
import type { Revision } from '../domain/ids.ts';

/** One file under `releases/`, with its relative path. A file that cannot be read safely is returned as `refused`. */
export type SourceFile =
  | { readonly path: string; readonly content: Buffer }
  | { readonly path: string; readonly refused: 'symlink' | 'not_a_file' | 'file_too_large' };

export interface SourceTree {
  readonly revision: Revision;
  /** Committer time (Git) or the newest change (folder), Unix ms. */
  readonly committedAtMs: number;
  /** The author's name and the first line of the message, both of limited length. Absent for a folder. */
  readonly commit?: { readonly author: string; readonly subject: string };
  /** Hash of the names and contents of `releases/` only. Equal hashes mean equal desired state. */
  readonly treeHash: string;
  /** Empty when `releases/` is missing at this revision. */
  readonly files: readonly SourceFile[];
}

export interface RolloutVersion {
  readonly revision: Revision;
  readonly committedAtMs: number;
  readonly content: Buffer;
}

/** One commit on a new branch. */
export interface PushedChange {
  readonly base: Revision;
  readonly branch: string;
  /** Complete new texts by path under `releases/`. */
  readonly files: ReadonlyMap<string, string>;
  readonly message: string;
}

export interface Source {
  /** Fetches, and returns the newest revision. */
  head(): Promise<Revision>;
  /** All files of `releases/` at exactly that revision. Fault `revision_unknown` if it does not exist. */
  read(revision: Revision): Promise<SourceTree>;
  /** False if history was rewritten. Always true for a plain folder, which has no history. */
  descends(revision: Revision, ancestor: Revision): Promise<boolean>;
  /**
   * The tree that Git would produce by merging `head` into `base`, without a commit. `conflict`: files of `releases/` cannot
   * be merged; `unrelated`: the two have no common history. Only for repositories (Git 2.38 or newer).
   */
  merged?(base: Revision, head: Revision): Promise<SourceTree | 'conflict' | 'unrelated'>;
  /**
   * Versions of rollout.yaml along first parents from `revision`, newest first, without those already in `since`. A folder
   * yields at most one. Fault `revision_unknown` if either revision does not exist.
   */
  rolloutHistory(revision: Revision, since?: Revision): AsyncIterable<RolloutVersion>;
  /** Pushes a branch. Idempotent. Only for repositories. Fault `push_refused`. */
  push?(change: PushedChange): Promise<void>;
  /** Calls `onHint` when something may have changed. Returns a function that stops watching. */
  watch(onHint: () => void): Promise<() => Promise<void>>;
  /** Ends running work. Every later call rejects with Fault `source_stopped`. */
  stop?(): Promise<void>;
}
