/**
 * Turns a change into a pull request: commits it on the newest base without touching anybody's files, pushes a branch,
 * and opens the pull request. Without GitHub it only pushes the branch.
 */
import { changeBranch } from '../domain/change-branch.ts';
import { Fault } from '../domain/fault.ts';
import { renderPlanMarkdown } from '../domain/plan/markdown.ts';
import type { Proposal, Proposals } from '../ports/index.ts';
import { type Checkout, type CheckoutOptions, openCheckout } from './checkout.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';
import { literal, paragraphs } from './render/markdown.ts';

interface ProposalsOptions extends CheckoutOptions {
  /** Name of the remote; default `origin`. */
  readonly remote?: string;
  /** The branch with the desired state; undefined: the remote's default branch. */
  readonly branch?: string | undefined;
  /** Undefined: the branch is pushed, no pull request is opened. */
  readonly github: GitHub | undefined;
}

const PLAN_CHARS = 50_000;

export function makeProposals(options: ProposalsOptions): Proposals {
  const { remote = 'origin', github } = options;
  const governing = async (checkout: Checkout): Promise<string> =>
    options.branch ?? defaultBranch(await checkout.git('ls-remote', '--symref', '--', remote, 'HEAD'));

  return {
    base: async root => {
      const checkout = openCheckout(root, options);
      const branch = await governing(checkout);
      await checkout.git('fetch', '--quiet', '--no-tags', '--', remote, `refs/heads/${branch}`);
      return checkout.git('rev-parse', '--verify', 'FETCH_HEAD^{commit}');
    },
    open: async proposal => {
      const checkout = openCheckout(proposal.root, options);
      const branch = changeBranch(proposal.title, proposal.base, proposal.files);
      const message =
        proposal.reason === undefined ? proposal.title : `${proposal.title}\n\n${proposal.reason}`;
      const commit = await checkout.commit(proposal.base, proposal.files, message);
      // The branch name contains a hash of the content, so an existing branch of this name has the same content.
      await checkout.git('push', '--quiet', '--force', '--', remote, `${commit}:refs/heads/${branch}`);
      if (github === undefined) return { branch, url: undefined };
      try {
        const { title } = proposal;
        const base = await governing(checkout);
        const pull = await openPull(github, { branch, base, title, body: proposalBody(proposal) });
        return { branch, url: pull.url };
      } catch (error) {
        throw isPushed(error, branch);
      }
    },
  };
}

/** If GitHub does not answer, the change is not lost: a retry or a person finds the branch. */
function isPushed(error: unknown, branch: string): unknown {
  if (!(error instanceof Fault)) return error;
  const way = `branch ${branch} is pushed, but no pull request was opened: run the same command again, or open it by hand`;
  return new Fault(error.code, `${error.message}\n  ${way}`, { retry: error.retry, cause: error });
}

/** `ref: refs/heads/main	HEAD` */
function defaultBranch(listing: string): string {
  const name = /^ref: refs\/heads\/(\S+)\s+HEAD$/m.exec(listing)?.[1];
  if (name === undefined)
    throw new Fault('git_failed', 'the remote does not report its default branch', { retry: 'never' });
  return name;
}

export function proposalBody({ plan, fleet, forecast, reason, warnings }: Proposal): string {
  const notes = warnings.slice(0, 20).map(w => `- ⚠️ ${literal(w, 300)}`);
  return paragraphs(
    reason === undefined ? undefined : `**Why:** ${literal(reason, 1000)}`,
    renderPlanMarkdown(plan, {
      fleet,
      forecast,
      limit: PLAN_CHARS,
      warnings: notes.length === 0 ? undefined : notes.join('\n'),
    }).trimEnd(),
  );
}

interface PullText {
  readonly branch: string;
  /** The branch with the desired state. */
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

export interface FoundPull {
  readonly number: number;
  readonly url: string;
  /** Closed or merged. */
  readonly closed: boolean;
}

/** The newest pull request from this branch. */
export async function findPull(
  github: GitHub,
  { branch, base }: Pick<PullText, 'branch' | 'base'>,
  state: 'open' | 'all',
): Promise<FoundPull | undefined> {
  const { data } = await github.call('pull.find', (octokit, at) =>
    octokit.rest.pulls.list({ ...at, state, head: `${at.owner}:${branch}`, base }),
  );
  const [pull] = data;
  return pull && { number: pull.number, url: pull.html_url, closed: pull.state === 'closed' };
}

/** A retry, also after a lost answer, finds the existing pull request. */
export async function openPull(github: GitHub, pull: PullText): Promise<FoundPull> {
  const standing = await findPull(github, pull, 'open');
  if (standing !== undefined) return standing;
  const { branch: head, base, title, body } = pull;
  try {
    const { data } = await github.call('pull.open', (octokit, at) =>
      octokit.rest.pulls.create({ ...at, head, base, title, body }),
    );
    return { number: data.number, url: data.html_url, closed: false };
  } catch (error) {
    // Two people at once, and the other one was first.
    const isTaken = error instanceof GitHubFault && error.code === 'github_invalid';
    const other = isTaken ? await findPull(github, pull, 'open') : undefined;
    if (other === undefined) throw error;
    return other;
  }
}
