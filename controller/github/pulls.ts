/**
 * Open pull requests: what each would make of the branch is read, parsed, judged and planned here, and said in one
 * comment and three statuses. Nothing of a pull request is ever run; its files are bounded like any others.
 */
import type { Revision, Sha256 } from '../domain/ids.ts';
import type { Judgement } from '../domain/judging/judge.ts';
import { type FleetPlan, fleetCounter } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { percentText } from '../domain/plan/words.ts';
import { hasError, type Problem } from '../domain/problem.ts';
import { offerableBuilds, type Standing } from '../domain/standing.ts';
import {
  type Applied,
  type Artifacts,
  type DesiredStore,
  type DeviceStore,
  fleetOf,
  type KeyValueStore,
  type OutboxStore,
  type Source,
  type SourceTree,
} from '../ports/index.ts';
import type { Approvals, ShownPlans } from './approvals.ts';
import type { GitHub } from './client.ts';
import type { Comments } from './comment.ts';
import { GitHubFault } from './fault.ts';
import { rowOf } from './ledger.ts';
import { shortSha } from './render/markdown.ts';
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
import type { CommitStatus, StatusContext, Statuses } from './statuses.ts';

/** The judgement that reconcile makes, of a tree that would be merged now. */
export type JudgeTree = (tree: SourceTree, standing: Standing | undefined) => Promise<Judgement>;

export interface PullsOptions {
  readonly judge: JudgeTree;
  readonly github: GitHub;
  readonly comments: Comments;
  readonly statuses: Statuses;
  readonly approvals: Approvals;
  readonly shown: ShownPlans;
  readonly store: KeyValueStore;
  readonly outbox: Pick<OutboxStore, 'add'>;
  readonly source: Pick<Source, 'head' | 'merged'>;
  readonly desired: Pick<DesiredStore, 'applied'>;
  readonly devices: Pick<DeviceStore, 'scan'>;
  readonly artifacts: Pick<Artifacts, 'has'>;
  readonly nowMs: () => number;
  readonly branch: string;
}

export interface Pulls {
  /** Promises a plan for every pull request whose head, base or approvals changed. */
  look(): Promise<void>;
  /** Plans one pull request; nothing is sent that stands already. */
  review(pull: number): Promise<void>;
}

/** What the last review was of. */
interface Seen {
  readonly of: string;
  readonly needed: number;
  readonly given: number;
  readonly planHash: string;
  readonly commented: boolean;
  /** The APKs that it would offer: were they stored? Absent in what an earlier version has kept. */
  readonly apks?: readonly { readonly sha256: Sha256; readonly stored: boolean }[];
}
type Reviewing = Omit<Seen, 'of'>;

interface OpenPull {
  readonly number: number;
  readonly head: Revision;
  readonly author: string | undefined;
}

const KEEP_MS = 90 * 86_400_000;

export function makePulls(options: PullsOptions): Pulls {
  const { github, comments, statuses, approvals, shown, store, nowMs, branch } = options;
  let listed: { etag: string; pulls: OpenPull[] } | undefined;

  const seenKey = (pull: number): string => `github:pull:${pull}`;
  const seenOf = async (pull: number): Promise<Seen | undefined> => {
    const text = await store.get(seenKey(pull));
    return text === undefined ? undefined : (JSON.parse(text) as Seen);
  };
  const subjectOf = (head: Revision, applied: Applied | undefined): string =>
    `${head} ${applied?.treeHash ?? ''}`;

  /** An unchanged list costs no quota: GitHub answers 304. */
  async function openPulls(): Promise<readonly OpenPull[]> {
    const known = listed;
    const fresh = await github.call('pulls.list', async (octokit, at) => {
      try {
        const { data, headers } = await octokit.rest.pulls.list({
          ...at,
          state: 'open',
          base: branch,
          sort: 'updated',
          direction: 'desc',
          per_page: 100,
          ...(known === undefined ? {} : { headers: { 'if-none-match': known.etag } }),
        });
        const pulls = data.map(p => ({ number: p.number, head: p.head.sha, author: p.user?.login }));
        return { etag: headers.etag ?? '', pulls };
      } catch (error) {
        if (known !== undefined && error instanceof Error && 'status' in error && error.status === 304)
          return known;
        throw error;
      }
    });
    listed = fresh.etag === '' ? undefined : fresh;
    return fresh.pulls;
  }

  async function changed(pull: OpenPull, applied: Applied | undefined): Promise<boolean> {
    const seen = await seenOf(pull.number);
    if (seen?.of !== subjectOf(pull.head, applied)) return true;
    for (const { sha256, stored } of seen.apks ?? [])
      if ((await options.artifacts.has(sha256)) !== stored) return true;
    if (seen.needed === 0) return false;
    return (await approvals.given(pull.number, pull.head, pull.author, seen.planHash)) !== seen.given;
  }

  async function look(): Promise<void> {
    const applied = await options.desired.applied();
    for (const pull of await openPulls())
      if (await changed(pull, applied))
        await options.outbox.add([rowOf({ kind: 'pull', pull: pull.number }, `pull:${pull.number}`)]);
  }

  const say = (
    sha: Revision,
    context: StatusContext,
    state: CommitStatus['state'],
    description: string,
  ): Promise<boolean> => statuses.post({ sha, context, state, description });

  const comment = (pull: number, text: string) => comments.put({ pull, name: CONSOLE_COMMENT }, text);

  async function countFleet(plan: Plan): Promise<FleetPlan> {
    const counter = fleetCounter(plan);
    for await (const device of fleetOf(options.devices)) counter.add(device);
    return counter.result();
  }

  async function apksOf(plan: Plan): Promise<NonNullable<Seen['apks']>> {
    const builds = offerableBuilds(plan.head);
    return Promise.all(
      builds.map(async ({ sha256 }) => ({ sha256, stored: await options.artifacts.has(sha256) })),
    );
  }

  async function none(pull: OpenPull, reviewed: Reviewed, commented: boolean): Promise<Reviewing> {
    for (const context of ['ota/validate', 'ota/plan', 'ota/policy'] as const)
      await say(pull.head, context, 'success', 'the desired state is unchanged');
    if (commented) await comment(pull.number, renderUnchangedComment(reviewed));
    return { needed: 0, given: 0, planHash: '', commented };
  }

  async function unmergeable(
    pull: OpenPull,
    reviewed: Reviewed,
    why: 'conflict' | 'unrelated',
  ): Promise<Reviewing> {
    const text = why === 'conflict' ? `conflicts with ${branch}` : `has no common history with ${branch}`;
    for (const context of ['ota/validate', 'ota/plan', 'ota/policy'] as const)
      await say(pull.head, context, 'failure', text);
    const render = why === 'conflict' ? renderConflictComment : renderUnrelatedComment;
    await comment(pull.number, render(reviewed));
    return { needed: 0, given: 0, planHash: '', commented: true };
  }

  async function invalid(
    pull: OpenPull,
    reviewed: Reviewed,
    problems: readonly Problem[],
  ): Promise<Reviewing> {
    await say(pull.head, 'ota/validate', 'failure', countProblems(problems));
    await say(pull.head, 'ota/plan', 'failure', 'no plan: the desired state is invalid');
    await say(pull.head, 'ota/policy', 'failure', 'not judged: the desired state is invalid');
    await comment(pull.number, renderInvalidComment(reviewed, problems.map(shownProblem)));
    return { needed: 0, given: 0, planHash: '', commented: true };
  }

  async function planned(
    pull: OpenPull,
    reviewed: Reviewed,
    plan: Plan,
    { problems, approvalsNeeded: needed }: Judgement,
  ): Promise<Reviewing> {
    const apks = await apksOf(plan);
    const fleet = await countFleet(plan);
    const { policy } = problems;
    const invalid = [...problems.files, ...problems.artifacts];
    const render = (given: number): string =>
      renderPlanComment(reviewed, plan, fleet, [...invalid, ...policy].map(shownProblem), { needed, given });
    // The plan is shown before any approval of it can count.
    const first = needed === 0 ? 0 : await approvals.given(pull.number, pull.head, pull.author, plan.hash);
    const { sinceMs } = await comment(pull.number, render(first));
    await shown.record(pull.number, plan.hash, sinceMs);
    const found = invalid.length === 0 ? '' : countProblems(invalid);
    if (hasError(invalid)) await say(pull.head, 'ota/validate', 'failure', found);
    else await say(pull.head, 'ota/validate', 'success', found === '' ? 'valid' : `valid · ${found}`);
    await say(pull.head, 'ota/plan', 'success', describe(plan, fleet));
    await sayPolicy(pull.head, plan, policy, needed, first);
    return { needed, given: first, planHash: plan.hash, commented: true, apks };
  }

  async function sayPolicy(
    head: Revision,
    plan: Plan,
    policy: readonly Problem[],
    needed: number,
    given: number,
  ): Promise<void> {
    const short = shortSha(plan.hash);
    if (policy.length > 0) await say(head, 'ota/policy', 'failure', countProblems(policy));
    else if (given < needed)
      await say(head, 'ota/policy', 'pending', `${given} of ${needed} approvals of plan ${short}`);
    else
      await say(
        head,
        'ota/policy',
        'success',
        needed === 0 ? 'within the policy' : `plan ${short} is approved by ${given}`,
      );
  }

  async function judged(
    pull: OpenPull,
    applied: Applied | undefined,
    commented: boolean,
  ): Promise<Reviewing> {
    const reviewed: Reviewed = { head: pull.head, base: applied?.revision };
    if (options.source.merged === undefined)
      throw new GitHubFault('github_no_repository', 'pull requests need a Git source', { retry: 'never' });
    const tree = await options.source.merged(await options.source.head(), pull.head);
    if (typeof tree === 'string') return unmergeable(pull, reviewed, tree);
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
      if (data.state !== 'open' || data.base.ref !== branch) return;
      const pull: OpenPull = { number, head: data.head.sha, author: data.user?.login };
      const applied = await options.desired.applied();
      const result = await judged(pull, applied, (await seenOf(number))?.commented ?? false);
      const seen: Seen = { of: subjectOf(pull.head, applied), ...result };
      await store.set(seenKey(number), JSON.stringify(seen), nowMs() + KEEP_MS);
    },
  };
}

/** `1 problem: artifact_missing · what is wrong`; of several problems only their codes fit into a status. */
function countProblems(problems: readonly Problem[]): string {
  const errors = problems.filter(p => p.severity === 'error').length;
  const codes = [...new Set(problems.map(p => p.code))].join(', ');
  const warnings = problems.length - errors;
  const [only] = problems.length === 1 ? problems : [];
  const why = only === undefined ? '' : ` · ${shownProblem(only).message}`;
  const parts = [
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'problem' : 'problems'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  return `${parts.join(', ')}: ${codes}${why}`;
}

function describe(plan: Plan, fleet: FleetPlan): string {
  if (plan.empty) return 'nothing changes in meaning';
  const { fromPercent, toPercent } = plan.exposure;
  const build = plan.head.state.rollout.rollback ? plan.lastSafe : plan.current;
  return `${build?.buildId ?? '?'} · ${percentText(fromPercent)} → ${percentText(toPercent)} · ${fleet.newOffers} new offers · plan ${shortSha(plan.hash)}`;
}
