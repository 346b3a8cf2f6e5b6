/**
 * The merge queue. For each queued pull request GitHub creates a branch with the merge result, and merges a group when
 * the statuses of its last commit are green. So each commit is judged as a complete change of the applied state.
 * https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository
 */
import type { Revision } from '../domain/ids.ts';
import type { Applied, DesiredStore, Source } from '../ports/index.ts';
import { approvableOf } from './approvable-pull.ts';
import type { Approvals, GivenApprovals } from './approvals.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';
import type { HeadStatuses } from './head-statuses.ts';
import type { JudgeTree } from './pulls.ts';

interface QueueOptions {
  readonly judge: JudgeTree;
  readonly github: GitHub;
  readonly approvals: Approvals;
  readonly statuses: HeadStatuses;
  readonly source: Pick<Source, 'head' | 'merged'>;
  readonly desired: Pick<DesiredStore, 'applied'>;
  readonly branch: string;
}

interface MergeQueue {
  /** Judges everything in the queue; does not send an existing status again. */
  look(): Promise<void>;
}

interface Queued {
  readonly pull: number;
  /** Its base in the queue: the branch's tip, or the commit of the previous entry. */
  readonly onto: Revision;
  readonly commit: Revision;
}

/** More than GitHub builds at the same time. */
const MOST = 100;
const NOBODY: GivenApprovals = { count: 0, uncounted: [] };

export function makeMergeQueue(options: QueueOptions): MergeQueue {
  const { github, statuses, branch } = options;
  const prefix = `gh-readonly-queue/${branch}/`;

  async function list(): Promise<Queued[]> {
    const { data } = await github.call('queue.list', (octokit, at) =>
      octokit.rest.git.listMatchingRefs({ ...at, ref: `heads/${prefix}` }),
    );
    return data.slice(0, MOST).flatMap(({ ref, object }) => {
      const name = ref.startsWith(`refs/heads/${prefix}`) ? ref.slice(`refs/heads/${prefix}`.length) : '';
      const [, pull, onto] = /^pr-(\d{1,9})-([0-9a-f]{40}(?:[0-9a-f]{24})?)$/.exec(name) ?? [];
      return pull === undefined || onto === undefined
        ? []
        : [{ pull: Number(pull), onto, commit: object.sha }];
    });
  }

  async function judgeOne(queued: Queued, queue: readonly Queued[], look: Look): Promise<void> {
    const group = groupOf(queued, queue);
    const changing: Queued[] = [];
    for (const one of group) if (await look.changes(one)) changing.push(one);
    const [change, another] = changing;
    if (change === undefined) return statuses.all(queued.commit, 'success', 'the desired state is unchanged');
    if (another !== undefined)
      return statuses.all(
        queued.commit,
        'failure',
        `queue them one at a time: #${change.pull} and #${another.pull} both change the desired state`,
      );
    const tree = await look.treeAt(queued.commit);
    if (typeof tree === 'string')
      return statuses.all(queued.commit, 'failure', `cannot be merged into ${branch} as it is now`);
    const judgement = await options.judge(tree, look.applied);
    if (judgement.plan === undefined) return statuses.invalid(queued.commit, judgement.problems.files);
    const { needed, given } =
      judgement.approvalsNeeded === 0
        ? { needed: 0, given: NOBODY }
        : await approvalsOf(change.pull, judgement.plan.hash, judgement.approvalsNeeded);
    return statuses.planned(queued.commit, judgement.plan, { ...judgement, approvalsNeeded: needed }, given);
  }

  async function approvalsOf(
    number: number,
    planHash: string,
    asked: number,
  ): Promise<{ needed: number; given: GivenApprovals }> {
    const { data } = await github.call('pull.get', (octokit, at) =>
      octokit.rest.pulls.get({ ...at, pull_number: number }),
    );
    const pull = approvableOf(data);
    const needed = await options.approvals.neededOf(pull, asked);
    return { needed, given: await options.approvals.given(pull, planHash) };
  }

  return {
    look: async () => {
      const queue = await list();
      if (queue.length === 0) return;
      const look = makeLook(options.source, await options.source.head(), await options.desired.applied());
      for (const queued of queue) await judgeOne(queued, queue, look);
    },
  };
}

/** Everything that merging `last` would merge, itself and unmerged entries before it, front first. */
function groupOf(last: Queued, queue: readonly Queued[]): Queued[] {
  const group = [last];
  for (;;) {
    const before = queue.find(q => q.commit === group[0]?.onto);
    if (before === undefined || group.includes(before)) return group;
    group.unshift(before);
  }
}

type Tree = Awaited<ReturnType<NonNullable<Source['merged']>>>;

interface Look {
  readonly applied: Applied | undefined;
  treeAt(commit: Revision): Promise<Tree>;
  /** True if the pull request changes the desired state at its place in the queue. */
  changes(queued: Queued): Promise<boolean>;
}

/** Reads each commit once. */
function makeLook(source: Pick<Source, 'merged'>, head: Revision, applied: Applied | undefined): Look {
  const trees = new Map<Revision, Promise<Tree>>();
  const treeAt = (commit: Revision): Promise<Tree> => {
    if (source.merged === undefined)
      throw new GitHubFault('github_no_repository', 'pull requests need a Git source', { retry: 'never' });
    const known = trees.get(commit) ?? source.merged(head, commit);
    trees.set(commit, known);
    return known;
  };
  const hashAt = async (commit: Revision): Promise<string> => {
    const tree = await treeAt(commit);
    return typeof tree === 'string' ? `${tree} ${commit}` : tree.treeHash;
  };
  return {
    applied,
    treeAt,
    changes: async ({ onto, commit }) => (await hashAt(onto)) !== (await hashAt(commit)),
  };
}
