/** Where the desired state comes from: files at one revision, and hints that there is a newer one. */
import type { Revision } from '../domain/ids.ts';

/** One file under `releases/`, path relative to it; what could not be read safely is said, not thrown. */
export type SourceFile =
  | { readonly path: string; readonly content: Buffer }
  | { readonly path: string; readonly refused: 'symlink' | 'not_a_file' | 'file_too_large' };

export interface SourceTree {
  readonly revision: Revision;
  /** Committer time (Git) or the newest change (folder), Unix ms. */
  readonly committedAtMs: number;
  /** Who made the commit, by name, and its first line; bounded. A folder has neither. */
  readonly commit?: { readonly author: string; readonly subject: string };
  /** Hash over the names and contents of `releases/` alone: equal trees mean equal desired state. */
  readonly treeHash: string;
  /** Empty when `releases/` is missing at this revision. */
  readonly files: readonly SourceFile[];
}

export interface RolloutVersion {
  readonly revision: Revision;
  readonly committedAtMs: number;
  readonly content: Buffer;
}

/** One commit on a branch of its own. */
export interface PushedChange {
  readonly base: Revision;
  readonly branch: string;
  /** Whole new texts by path under `releases/`. */
  readonly files: ReadonlyMap<string, string>;
  readonly message: string;
}

export interface Source {
  /** Fetches and names the newest revision. */
  head(): Promise<Revision>;
  /** All files of `releases/` at exactly that revision. Fault `revision_unknown` when it is not there. */
  read(revision: Revision): Promise<SourceTree>;
  /** False when history was rewritten; a plain folder has no history and always says true. */
  descends(revision: Revision, ancestor: Revision): Promise<boolean>;
  /**
   * What the branch would hold if `head` were merged into `base`, as Git merges, without a commit. `conflict`: files of
   * `releases/` cannot be merged; `unrelated`: the two have no common history. Only a repository has it (Git 2.38 or newer).
   */
  merged?(base: Revision, head: Revision): Promise<SourceTree | 'conflict' | 'unrelated'>;
  /**
   * Versions of rollout.yaml along first parents, newest first, starting at `revision`; only those that `since` does not
   * have already. A folder yields one at most. Fault `revision_unknown` when either is not there.
   */
  rolloutHistory(revision: Revision, since?: Revision): AsyncIterable<RolloutVersion>;
  /** Pushes a branch; the same change again changes nothing. Only a repository has it. Fault `push_refused`. */
  push?(change: PushedChange): Promise<void>;
  /** Calls back on a hint that something may have changed; returns the way to stop. */
  watch(onHint: () => void): Promise<() => Promise<void>>;
  /** Ends what is running; every later call rejects with Fault `source_stopped`. */
  stop?(): Promise<void>;
}
