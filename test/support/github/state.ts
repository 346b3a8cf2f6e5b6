/** What the stand-in remembers, and what people do on github.com: open, push to, review and merge pull requests. */
import type { Bare, MergeMethod } from './bare.ts';

export interface Pull {
  readonly number: number;
  readonly author: string;
  title: string;
  body: string;
  readonly headRef: string;
  readonly baseRef: string;
  /** The base branch's tip when it was opened: GitHub does not move it when the base moves on. */
  readonly baseSha: string;
  state: 'open' | 'closed';
  /** The head when it was closed; while open the branch's tip counts. */
  closedHead: string | undefined;
  mergeCommit: string | undefined;
  mergedAtMs: number | undefined;
  mergedBy: string | undefined;
  updatedAtMs: number;
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
  readonly association: Association;
}

/** What GitHub says of a reviewer. A member who hides the membership is a CONTRIBUTOR, or NONE. */
export type Association = 'OWNER' | 'MEMBER' | 'COLLABORATOR' | 'CONTRIBUTOR' | 'NONE';
export type Permission = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';

/** A pull request in the merge queue, with the commit that it would become. */
export interface Queued {
  readonly pull: number;
  readonly ref: string;
  readonly commit: string;
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
  /** Front first. */
  readonly queue: Queued[] = [];
  /** What people may do; who is not named may write. `undefined`: GitHub does not answer. */
  readonly permissions = new Map<string, Permission | undefined>();
  /** Of the token: whether its user may write to the repository. */
  mayPush = true;
  /** Of the App's installation. */
  granted: Record<string, 'read' | 'write'> = { statuses: 'write' };
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
      baseSha: this.git.tip(this.branch) ?? '',
      state: 'open',
      closedHead: undefined,
      mergeCommit: undefined,
      mergedAtMs: undefined,
      mergedBy: undefined,
      updatedAtMs: this.nowMs(),
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

  /** Closes an open pull request without merging it. */
  close(pull: Pull): void {
    Object.assign(pull, { state: 'closed', closedHead: this.head(pull), updatedAtMs: this.nowMs() });
    this.syncPullRefs();
  }

  /** Merges an open pull request and returns the branch's new tip. */
  merge(number: number, method: MergeMethod = 'merge', by = 'merlin'): string {
    const pull = this.pull(number);
    const head = this.head(pull);
    const message =
      method === 'merge'
        ? `Merge pull request #${number} from ${this.owner}/${pull.headRef}`
        : `${pull.title} (#${number})`;
    const commit = this.git.merge(pull.baseRef, head, message, method);
    this.#merged(pull, head, commit);
    pull.mergedBy = by;
    return commit;
  }

  #merged(pull: Pull, head: string, commit: string): void {
    const atMs = this.nowMs();
    const ended = {
      state: 'closed',
      closedHead: head,
      mergeCommit: commit,
      mergedAtMs: atMs,
      updatedAtMs: atMs,
    };
    Object.assign(pull, ended);
    this.syncPullRefs();
  }

  /** Puts a pull request at the end of the merge queue: GitHub makes a branch for what the base would become. */
  enqueue(number: number): Queued {
    const pull = this.pull(number);
    const onto = this.queue.at(-1)?.commit ?? this.git.tip(pull.baseRef) ?? '';
    const ref = `gh-readonly-queue/${pull.baseRef}/pr-${number}-${onto}`;
    this.git.ref(`refs/heads/${ref}`, onto);
    const commit = this.git.merge(ref, this.head(pull), `Merge pull request #${number}`, 'merge');
    const queued = { pull: number, ref, commit };
    this.queue.push(queued);
    return queued;
  }

  /** Merges the first `count` of the queue as one group: the base moves once, to the last one's commit. */
  mergeGroup(count = 1): string {
    const group = this.queue.splice(0, count);
    const last = group.at(-1);
    if (last === undefined) throw new Error('the merge queue is empty');
    this.git.ref(`refs/heads/${this.branch}`, last.commit);
    for (const { pull, ref, commit } of group) {
      const one = this.pull(pull);
      this.#merged(one, this.head(one), commit);
      this.git.ref(`refs/heads/${ref}`, undefined);
    }
    return last.commit;
  }

  review(
    number: number,
    author: string,
    state: Review['state'] = 'APPROVED',
    association: Association = 'MEMBER',
  ): void {
    this.pull(number).updatedAtMs = this.nowMs();
    this.reviews.push({
      id: this.nextId(),
      pull: number,
      author,
      state,
      commit: this.head(this.pull(number)),
      atMs: this.nowMs(),
      association,
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
        this.git.ref(`refs/pull/${pull.number}/head`, this.head(pull));
  }
}
