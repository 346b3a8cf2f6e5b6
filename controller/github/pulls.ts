/**
 * Open pull requests: reads, parses, judges and plans the merge result of each, and reports it in one comment and three
 * statuses. Nothing from a pull request is ever executed; its files have the usual size limits.
 */
import { artifactsNamedIn } from '../domain/artifact-use.ts';
import { DAY_MS } from '../domain/duration.ts';
import type { Revision, Sha256 } from '../domain/ids.ts';
import type { Judgement } from '../domain/judging/judge.ts';
import { type FleetPlan, fleetCounter } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { forecastPlan, type PlanForecast, takersIn } from '../domain/plan/outlook.ts';
import type { Problem } from '../domain/problem.ts';
import { offerableBuilds, type Standing } from '../domain/standing.ts';
import {
  type Applied,
  type Artifacts,
  type Attempted,
  type DesiredStore,
  type DeviceStore,
  fleetOf,
  type KeyValueStore,
  type OutboxStore,
  type Source,
  type SourceTree,
} from '../ports/index.ts';
import { type ApprovablePull, approvableOf } from './approvable-pull.ts';
import type { Approvals, GivenApprovals, ShownPlans } from './approvals.ts';
import type { GitHub } from './client.ts';
import type { Comments } from './comment.ts';
import { GitHubFault } from './fault.ts';
import type { HeadStatuses } from './head-statuses.ts';
import { rowOf } from './ledger.ts';
import { proposedArtifacts } from './proposed-artifacts.ts';
import {
  type Reviewed,
  renderConflictComment,
  renderInvalidComment,
  renderPlanComment,
  renderUnchangedComment,
  renderUnrelatedComment,
} from './render/plan.ts';
import { CONSOLE_COMMENT } from './report.ts';
import { shownProblem } from './shown-problem.ts';

/** The judgement of reconcile, for a tree that would be merged now. */
export type JudgeTree = (tree: SourceTree, standing: Standing | undefined) => Promise<Judgement>;

interface PullsOptions {
  readonly judge: JudgeTree;
  readonly github: GitHub;
  readonly comments: Comments;
  readonly heads: HeadStatuses;
  readonly approvals: Approvals;
  readonly shown: ShownPlans;
  readonly store: KeyValueStore;
  readonly outbox: Pick<OutboxStore, 'add'>;
  readonly source: Pick<Source, 'head' | 'merged'>;
  readonly desired: Pick<DesiredStore, 'applied' | 'attempted'>;
  readonly devices: Pick<DeviceStore, 'scan' | 'checkInGaps'>;
  /** A device that checked in within this time is active. */
  readonly activeWithinMs: number;
  /** How often agents poll. */
  readonly pollMs: number;
  readonly artifacts: Pick<Artifacts, 'has'>;
  readonly nowMs: () => number;
  readonly branch: string;
  /** Page size of the list; GitHub allows at most 100. */
  readonly pullsPerPage?: number;
}

interface Pulls {
  /** Adds an outbox row for every pull request whose head, base or approvals changed. */
  look(): Promise<void>;
  /** Plans one pull request; sends nothing that GitHub already has. */
  review(pull: number): Promise<void>;
}

/** The input and result of the last review. */
interface Seen {
  readonly of: string;
  readonly needed: number;
  readonly given: number;
  /** Approvals that do not count. Absent in rows of an earlier version. */
  readonly uncounted?: number;
  readonly planHash: string;
  readonly commented: boolean;
  /** Whether the APKs that it would offer were stored. Absent in rows of an earlier version. */
  readonly apks?: readonly { readonly sha256: Sha256; readonly stored: boolean }[];
}
type Reviewing = Omit<Seen, 'of'>;

/** The base that a pull request is judged against. */
interface Base {
  readonly applied: Applied | undefined;
  /** The newest revision of the branch, if it was rejected. */
  readonly refused: Attempted | undefined;
}

const KEEP_MS = 90 * DAY_MS;
const PER_PAGE = 100;
/** 1,000 open pull requests; beyond that the least recently updated are left out. */
const MOST_PAGES = 10;
const NOBODY: GivenApprovals = { count: 0, uncounted: [] };

export function makePulls(options: PullsOptions): Pulls {
  const { github, comments, heads, approvals, shown, store, nowMs, branch } = options;
  const perPage = options.pullsPerPage ?? PER_PAGE;
  const proposed = proposedArtifacts(store);
  let listed: { etag: string; pulls: ApprovablePull[] } | undefined;

  const seenKey = (pull: number): string => `github:pull:${pull}`;
  const seenOf = async (pull: number): Promise<Seen | undefined> => {
    const text = await store.get(seenKey(pull));
    return text === undefined ? undefined : (JSON.parse(text) as Seen);
  };
  const subjectOf = (head: Revision, { applied, refused }: Base): string =>
    [head, applied?.treeHash ?? '', ...(refused === undefined ? [] : [refused.revision])].join(' ');

  async function baseNow(): Promise<Base> {
    const applied = await options.desired.applied();
    const attempted = await options.desired.attempted();
    const isRefused = attempted?.problems.some(p => p.severity === 'error') ?? false;
    return { applied, refused: isRefused ? attempted : undefined };
  }

  /**
   * The most recently updated come first. An unchanged first page therefore means an unchanged list; GitHub answers 304,
   * which costs no quota.
   */
  async function openPulls(): Promise<readonly ApprovablePull[]> {
    const known = listed;
    const first = await listPage(1, known?.etag);
    if (first === 'unchanged') return known?.pulls ?? [];
    const pulls = [...first.pulls];
    for (let page = 2, size = pulls.length; size === perPage && page <= MOST_PAGES; page += 1) {
      const next = await listPage(page, undefined);
      if (next === 'unchanged') break;
      size = next.pulls.length;
      pulls.push(...next.pulls);
    }
    listed = first.etag === '' ? undefined : { etag: first.etag, pulls };
    return pulls;
  }

  const listPage = (
    page: number,
    etag: string | undefined,
  ): Promise<{ etag: string; pulls: ApprovablePull[] } | 'unchanged'> =>
    github.call('pulls.list', async (octokit, at) => {
      try {
        const { data, headers } = await octokit.rest.pulls.list({
          ...at,
          state: 'open',
          base: branch,
          sort: 'updated',
          direction: 'desc',
          per_page: perPage,
          page,
          ...(etag === undefined ? {} : { headers: { 'if-none-match': etag } }),
        });
        const pulls = data.map(approvableOf);
        return { etag: headers.etag ?? '', pulls };
      } catch (error) {
        if (etag !== undefined && error instanceof Error && 'status' in error && error.status === 304)
          return 'unchanged';
        throw error;
      }
    });

  async function changed(pull: ApprovablePull, base: Base): Promise<boolean> {
    const seen = await seenOf(pull.number);
    if (seen?.of !== subjectOf(pull.head, base)) return true;
    for (const { sha256, stored } of seen.apks ?? [])
      if ((await options.artifacts.has(sha256)) !== stored) return true;
    if (seen.needed === 0) return false;
    const { count, uncounted } = await approvals.given(pull, seen.planHash);
    return count !== seen.given || uncounted.length !== (seen.uncounted ?? 0);
  }

  async function look(): Promise<void> {
    const base = await baseNow();
    const open = await openPulls();
    await proposed.keepOnly(open.map(pull => pull.number));
    for (const pull of open)
      if (await changed(pull, base))
        await options.outbox.add([rowOf({ kind: 'pull', pull: pull.number }, `pull:${pull.number}`)]);
  }

  const comment = (pull: number, text: string) => comments.put({ pull, name: CONSOLE_COMMENT }, text);

  async function countFleet(plan: Plan): Promise<FleetPlan> {
    const counter = fleetCounter(plan, options.activeWithinMs);
    for await (const device of fleetOf(options.devices)) counter.add(device);
    return counter.result();
  }

  function forecastOf(plan: Plan, fleet: FleetPlan): PlanForecast {
    const gaps = options.devices.checkInGaps();
    return forecastPlan(plan, { gaps, pollMs: options.pollMs, takersAt: takersIn(fleet) });
  }

  async function apksOf(plan: Plan): Promise<NonNullable<Seen['apks']>> {
    const builds = offerableBuilds(plan.head);
    return Promise.all(
      builds.map(async ({ sha256 }) => ({ sha256, stored: await options.artifacts.has(sha256) })),
    );
  }

  async function none(pull: ApprovablePull, reviewed: Reviewed, commented: boolean): Promise<Reviewing> {
    await heads.all(pull.head, 'success', 'the desired state is unchanged');
    if (commented) await comment(pull.number, renderUnchangedComment(reviewed));
    return { needed: 0, given: 0, planHash: '', commented };
  }

  async function unmergeable(
    pull: ApprovablePull,
    reviewed: Reviewed,
    why: 'conflict' | 'unrelated',
  ): Promise<Reviewing> {
    const text = why === 'conflict' ? `conflicts with ${branch}` : `has no common history with ${branch}`;
    await heads.all(pull.head, 'failure', text);
    const render = why === 'conflict' ? renderConflictComment : renderUnrelatedComment;
    await comment(pull.number, render(reviewed));
    return { needed: 0, given: 0, planHash: '', commented: true };
  }

  async function invalid(
    pull: ApprovablePull,
    reviewed: Reviewed,
    problems: readonly Problem[],
  ): Promise<Reviewing> {
    await heads.invalid(pull.head, problems);
    await comment(pull.number, renderInvalidComment(reviewed, problems.map(shownProblem)));
    return { needed: 0, given: 0, planHash: '', commented: true };
  }

  async function planned(
    pull: ApprovablePull,
    reviewed: Reviewed,
    plan: Plan,
    judgement: Judgement,
  ): Promise<Reviewing> {
    const { problems } = judgement;
    const needed = await approvals.neededOf(pull, judgement.approvalsNeeded);
    const apks = await apksOf(plan);
    const fleet = await countFleet(plan);
    const shownProblems = [...problems.files, ...problems.artifacts, ...problems.policy].map(shownProblem);
    // The plan is shown before any approval of it can count.
    const given = needed === 0 ? NOBODY : await approvals.given(pull, plan.hash);
    const counted = { fleet, forecast: forecastOf(plan, fleet) };
    const text = renderPlanComment(reviewed, plan, counted, shownProblems, { needed, ...given });
    const { sinceMs } = await comment(pull.number, text);
    await shown.record(pull.number, plan.hash, sinceMs);
    await heads.planned(pull.head, plan, { ...judgement, approvalsNeeded: needed }, given, fleet);
    const seen = { needed, given: given.count, uncounted: given.uncounted.length };
    return { ...seen, planHash: plan.hash, commented: true, apks };
  }

  async function judged(
    pull: ApprovablePull,
    { applied, refused }: Base,
    commented: boolean,
  ): Promise<Reviewing> {
    const reviewed: Reviewed = {
      head: pull.head,
      base: applied?.revision,
      refused: refused && { revision: refused.revision, problems: refused.problems.map(shownProblem) },
    };
    if (options.source.merged === undefined)
      throw new GitHubFault('github_no_repository', 'pull requests need a Git source', { retry: 'never' });
    const tree = await options.source.merged(await options.source.head(), pull.head);
    if (typeof tree === 'string') return unmergeable(pull, reviewed, tree);
    const standing = new Set([...(applied?.state.builds.values() ?? [])].map(b => b.sha256));
    const named = artifactsNamedIn(tree.files).filter(sha256 => !standing.has(sha256));
    await proposed.note(pull.number, named);
    if (tree.treeHash === applied?.treeHash) return none(pull, reviewed, commented);
    const judgement = await options.judge(tree, applied);
    return judgement.plan === undefined
      ? invalid(pull, reviewed, judgement.problems.files)
      : planned(pull, reviewed, judgement.plan, judgement);
  }

  return {
    look,
    review: async number => {
      const { data } = await github.call('pull.get', (octokit, at) =>
        octokit.rest.pulls.get({ ...at, pull_number: number }),
      );
      if (data.state !== 'open' || data.base.ref !== branch) return proposed.note(number, []);
      const pull = approvableOf(data);
      const base = await baseNow();
      const result = await judged(pull, base, (await seenOf(number))?.commented ?? false);
      const seen: Seen = { of: subjectOf(pull.head, base), ...result };
      await store.set(seenKey(number), JSON.stringify(seen), nowMs() + KEEP_MS);
    },
  };
}
