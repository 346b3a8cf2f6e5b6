/**
 * Only a reviewed plan is applied. An approval counts for the plan that the pull request showed at that time. If the
 * policy (read at the base revision, SPEC §2) requires approvals, only that plan is applied.
 */

import type { Revision } from '../domain/ids.ts';
import type { Plan } from '../domain/plan/index.ts';
import { renderPlanMarkdown } from '../domain/plan/markdown.ts';
import { countText } from '../domain/plan/words.ts';
import type { Finding } from '../domain/problem.ts';
import type { ApprovalSource, Approved, KeyValueStore } from '../ports/index.ts';
import { type ApprovablePull, approvableOf } from './approvable-pull.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';
import { type Held, heldKey } from './ledger.ts';
import { isOwn, neededWith, type ProposedPull, type Proposers } from './proposers.ts';
import { KEEP_MS } from './remembered.ts';

/** The plans that a pull request has shown, and since when. */
export interface ShownPlans {
  record(pull: number, planHash: string, sinceMs: number): Promise<void>;
  /** Oldest first. */
  list(pull: number): Promise<readonly ShownPlan[]>;
}

interface ShownPlan {
  readonly planHash: string;
  /** By GitHub's clock, Unix ms. */
  readonly sinceMs: number;
}

export interface Approvals extends Pick<ApprovalSource, 'approved'> {
  /** Who has approved this plan on the pull request's present head. */
  given(pull: ApprovablePull, planHash: string): Promise<GivenApprovals>;
  /** How many approvals this pull request needs if the policy requires `needed`. */
  neededOf(pull: ProposedPull, needed: number): Promise<number>;
  /** For reconcile: empty if the plan has its approvals. Throws Faults if GitHub cannot be reached. */
  approve(revision: Revision, plan: Plan, needed: number): Promise<Finding[]>;
}

export interface GivenApprovals {
  readonly count: number;
  /** Their logins. */
  readonly by?: readonly string[];
  /** Approvals of this plan that do not count, by login. */
  readonly uncounted: readonly Uncounted[];
}

export interface Uncounted {
  readonly login: string;
  /** `unknown`: GitHub did not return their permission. */
  readonly why: 'cannot_write' | 'unknown';
}

interface Review {
  readonly login: string;
  readonly state: string;
  readonly commit: string | null;
  readonly atMs: number;
}

const MOST_SHOWN = 50;
/** Anybody may approve on a public repository, but only people with write access count. GitHub reports `maintain` as `write`. */
const MAY_WRITE = new Set(['admin', 'write']);
/** Errors after which it is useless to ask for this person's permission again soon. */
const UNTOLD = new Set(['github_forbidden', 'github_not_found']);
/** The most characters of a comment that a folded plan may take. */
const PLAN_CHARS = 40_000;

export function makeShownPlans(store: KeyValueStore, nowMs: () => number): ShownPlans {
  const key = (pull: number): string => `github:shown:${pull}`;
  const list = async (pull: number): Promise<readonly ShownPlan[]> => {
    const text = await store.get(key(pull));
    return text === undefined ? [] : (JSON.parse(text) as ShownPlan[]);
  };
  return {
    list,
    record: async (pull, planHash, sinceMs) => {
      const known = await list(pull);
      if (known.at(-1)?.planHash === planHash) return;
      await store.set(
        key(pull),
        JSON.stringify([...known, { planHash, sinceMs }].slice(-MOST_SHOWN)),
        nowMs() + KEEP_MS,
      );
    },
  };
}

/** The last review of each reviewer that approves or objects; comments are left out. */
function standingReviews(reviews: readonly Review[]): Review[] {
  const last = new Map<string, Review>();
  for (const review of [...reviews].sort((a, b) => a.atMs - b.atMs))
    if (review.state !== 'COMMENTED' && review.state !== 'PENDING') last.set(review.login, review);
  return [...last.values()];
}

const finding = (message: string, hint: string): Finding => ({
  severity: 'error',
  code: 'plan_not_approved',
  file: 'rollout.yaml',
  path: [],
  message,
  hint,
});

/** For a controller without GitHub: nobody can approve, so the revision is held. */
export const unapprovable = (plan: Plan, needed: number): Finding[] => [
  finding(
    `the policy requires ${countText(needed, 'approval')} of plan ${plan.hash.slice(0, 12)}, but GitHub is not set up, so nobody can give them`,
    'set OTA_GITHUB_REPO, or remove the rule from policy.yaml',
  ),
];

interface ApprovalsOptions {
  readonly github: GitHub;
  readonly store: KeyValueStore;
  readonly shown: ShownPlans;
  readonly proposers: Pick<Proposers, 'of'>;
  readonly nowMs: () => number;
  readonly branch: string;
}

const approvedKey = (revision: Revision): string => `github:approved:${revision}`;

export function makeApprovals(options: ApprovalsOptions): Approvals {
  const { github, store, shown, proposers, nowMs, branch } = options;
  async function reviewsOf(pull: number): Promise<Review[]> {
    const all = await github.call('reviews', (octokit, at) =>
      octokit.paginate(octokit.rest.pulls.listReviews, { ...at, pull_number: pull, per_page: 100 }),
    );
    return all.map(r => ({
      login: r.user?.login ?? '',
      state: r.state,
      commit: r.commit_id,
      atMs: Date.parse(r.submitted_at ?? ''),
    }));
  }

  async function given(pull: ApprovablePull, planHash: string): Promise<GivenApprovals> {
    const { number, head, author } = pull;
    const plans = await shown.list(number);
    const ours = await github.login();
    const asked = await proposers.of(pull);
    const approving = standingReviews(await reviewsOf(number)).filter(
      r =>
        r.state === 'APPROVED' &&
        r.commit === head &&
        r.login !== '' &&
        r.login !== author &&
        r.login !== ours &&
        !isOwn(r.login, asked) &&
        plans.findLast(p => p.sinceMs <= r.atMs)?.planHash === planHash,
    );
    const uncounted: Uncounted[] = [];
    for (const { login } of approving) {
      const may = await mayWrite(login);
      if (may !== true) uncounted.push({ login, why: may === false ? 'cannot_write' : 'unknown' });
    }
    const by = approving.map(r => r.login).filter(login => !uncounted.some(u => u.login === login));
    return { count: by.length, by, uncounted };
  }

  /** Asks GitHub, because a review's `author_association` omits private members. Undefined: GitHub does not answer. */
  async function mayWrite(username: string): Promise<boolean | undefined> {
    try {
      const { data } = await github.call('permission', (octokit, at) =>
        octokit.rest.repos.getCollaboratorPermissionLevel({ ...at, username }),
      );
      return MAY_WRITE.has(data.permission);
    } catch (error) {
      if (error instanceof GitHubFault && UNTOLD.has(error.code)) return undefined;
      throw error;
    }
  }

  async function mergedPull(revision: Revision): Promise<ApprovablePull | undefined> {
    const { data } = await github.call('pull.of', (octokit, at) =>
      octokit.rest.repos.listPullRequestsAssociatedWithCommit({ ...at, commit_sha: revision, per_page: 100 }),
    );
    const merged = data.filter(p => p.merged_at !== null && p.base.ref === branch);
    const pull = merged.find(p => p.merge_commit_sha === revision) ?? merged[0];
    return pull === undefined ? undefined : approvableOf(pull);
  }

  const neededOf = async (pull: ProposedPull, needed: number): Promise<number> =>
    neededWith(needed, await proposers.of(pull));

  return {
    given,
    neededOf,
    approved: async revision => {
      const text = await store.get(approvedKey(revision));
      return text === undefined ? undefined : (JSON.parse(text) as Approved);
    },
    approve: async (revision, plan, asked) => {
      const held: Held = {
        planHash: plan.hash,
        planText: renderPlanMarkdown(plan, { merge: revision, limit: PLAN_CHARS }),
      };
      await store.set(heldKey(revision), JSON.stringify(held), nowMs() + KEEP_MS);
      const short = plan.hash.slice(0, 12);
      const pull = await mergedPull(revision);
      if (pull === undefined)
        return [
          finding(
            `the policy requires ${countText(asked, 'approval')} of plan ${short}, but this commit did not come through a pull request`,
            'propose it as a pull request, or revert it',
          ),
        ];
      const needed = await neededOf(pull, asked);
      const { count, by = [], uncounted } = await given(pull, plan.hash);
      if (count >= needed) {
        const approved: Approved = { pull: pull.number, needed, by };
        await store.set(approvedKey(revision), JSON.stringify(approved), nowMs() + KEEP_MS);
        return [];
      }
      const others = uncounted.map(
        u =>
          `${u.login} ${u.why === 'unknown' ? '(GitHub did not return their permission)' : 'has no write access'}`,
      );
      const not = others.length === 0 ? '' : `; not counted: ${others.join(', ')}`;
      const other = (await shown.list(pull.number)).some(p => p.planHash !== plan.hash);
      return [
        finding(
          `plan ${short} has ${count} of ${needed} approvals${other ? ': the reviewed plan differs from the one that would be applied' : ''}${not}`,
          `approve #${pull.number} again after reading this plan, or revert it`,
        ),
      ];
    },
  };
}
