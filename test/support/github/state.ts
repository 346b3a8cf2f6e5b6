/** What the stand-in remembers, and what people do on github.com: open, push to, review and merge pull requests. */
import type { Bare } from './bare.ts';

export interface Pull {
  readonly number: number;
  readonly author: string;
  title: string;
  body: string;
  readonly headRef: string;
  readonly baseRef: string;
  state: 'open' | 'closed';
  /** The head when it was closed; while open the branch's tip counts. */
  closedHead: string | undefined;
  mergeCommit: string | undefined;
  mergedAtMs: number | undefined;
}
export interface Comment {
  readonly id: number;
  readonly pull: number;
  readonly author: string;
  body: string;
  readonly createdAtMs: number;
  updatedAtMs: number;
}
export interface Status {
  readonly id: number;
  readonly sha: string;
  readonly context: string;
  readonly state: string;
  readonly description: string;
  readonly targetUrl: string | null;
  readonly author: string;
  readonly atMs: number;
}
export interface Deployment {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly description: string;
  readonly payload: unknown;
  readonly author: string;
  readonly statuses: { id: number; state: string; description: string; atMs: number }[];
}
export interface Review {
  readonly id: number;
  readonly pull: number;
  readonly author: string;
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';
  readonly commit: string;
  readonly atMs: number;
}

export class HubState {
  readonly owner = 'acme';
  readonly repo = 'fleet';
  readonly branch = 'main';
  readonly git: Bare;
  readonly nowMs: () => number;
  readonly pulls: Pull[] = [];
  readonly comments: Comment[] = [];
  readonly statuses: Status[] = [];
  readonly deployments: Deployment[] = [];
  readonly reviews: Review[] = [];
  #lastId = 1000;

  constructor(git: Bare, nowMs: () => number) {
    this.git = git;
    this.nowMs = nowMs;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  pull(number: number): Pull {
    const pull = this.pulls.find(p => p.number === number);
    if (pull === undefined) throw new Error(`no pull request ${number}`);
    return pull;
  }

  head(pull: Pull): string {
    const head = pull.closedHead ?? this.git.tip(pull.headRef);
    if (head === undefined) throw new Error(`branch ${pull.headRef} is gone`);
    return head;
  }

  open(headRef: string, title: string, author = 'ada', body = ''): Pull {
    const pull: Pull = {
      number: this.pulls.length + 1,
      author,
      title,
      body,
      headRef,
      baseRef: this.branch,
      state: 'open',
      closedHead: undefined,
      mergeCommit: undefined,
      mergedAtMs: undefined,
    };
    this.pulls.push(pull);
    this.syncPullRefs();
    return pull;
  }

  /** A branch with these files and a pull request for it. */
  propose(headRef: string, files: Readonly<Record<string, string | undefined>>, title: string): Pull {
    this.git.commit(headRef, files, title, this.branch);
    return this.open(headRef, title);
  }

  /** Merges an open pull request and returns the merge commit. */
  merge(number: number, method: 'merge' | 'squash' = 'merge'): string {
    const pull = this.pull(number);
    const head = this.head(pull);
    const message =
      method === 'merge'
        ? `Merge pull request #${number} from ${this.owner}/${pull.headRef}`
        : `${pull.title} (#${number})`;
    const commit = this.git.merge(pull.baseRef, head, message, method);
    Object.assign(pull, { state: 'closed', closedHead: head, mergeCommit: commit, mergedAtMs: this.nowMs() });
    this.syncPullRefs();
    return commit;
  }

  review(number: number, author: string, state: Review['state'] = 'APPROVED'): void {
    this.reviews.push({
      id: this.nextId(),
      pull: number,
      author,
      state,
      commit: this.head(this.pull(number)),
      atMs: this.nowMs(),
    });
  }

  commentsOn(number: number): Comment[] {
    return this.comments.filter(c => c.pull === number);
  }

  /** Newest first, as GitHub lists them. */
  statusesOf(sha: string, context?: string): Status[] {
    return this.statuses
      .filter(s => s.sha === sha && (context === undefined || s.context === context))
      .reverse();
  }

  /** `refs/pull/N/head` follows the branch, as on GitHub. */
  syncPullRefs(): void {
    for (const pull of this.pulls)
      if (this.git.tip(pull.headRef) !== undefined || pull.closedHead !== undefined)
        this.git.git('update-ref', `refs/pull/${pull.number}/head`, this.head(pull));
  }
}
