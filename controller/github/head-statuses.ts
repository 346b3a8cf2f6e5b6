/** The three statuses of a judged change, set on the commit that would be merged. */
import type { Revision } from '../domain/ids.ts';
import type { Judgement } from '../domain/judging/judge.ts';
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { percentText } from '../domain/plan/words.ts';
import { hasError, type Problem } from '../domain/problem.ts';
import type { GivenApprovals } from './approvals.ts';
import { shortSha } from './render/markdown.ts';
import { shownProblem } from './shown-problem.ts';
import type { CommitStatus, StatusContext, Statuses } from './statuses.ts';

const CONTEXTS = ['ota/validate', 'ota/plan', 'ota/policy'] as const;

export interface HeadStatuses {
  /** Sets the same status in all three contexts. */
  all(sha: Revision, state: CommitStatus['state'], description: string): Promise<void>;
  invalid(sha: Revision, problems: readonly Problem[]): Promise<void>;
  /** `fleet` is undefined if real counts are not wanted. */
  planned(
    sha: Revision,
    plan: Plan,
    judgement: Judgement,
    given: GivenApprovals,
    fleet?: FleetPlan,
  ): Promise<void>;
}

export function makeHeadStatuses(statuses: Statuses): HeadStatuses {
  const say = (
    sha: Revision,
    context: StatusContext,
    state: CommitStatus['state'],
    description: string,
  ): Promise<boolean> => statuses.post({ sha, context, state, description });

  async function policy(
    sha: Revision,
    plan: Plan,
    { problems, approvalsNeeded: needed }: Judgement,
    { count, uncounted }: GivenApprovals,
  ): Promise<void> {
    const short = shortSha(plan.hash);
    const not = uncounted.length === 0 ? '' : ` · not counted: ${uncounted.map(u => u.login).join(', ')}`;
    if (problems.policy.length > 0) await say(sha, 'ota/policy', 'failure', countProblems(problems.policy));
    else if (count < needed)
      await say(sha, 'ota/policy', 'pending', `${count} of ${needed} approvals of plan ${short}${not}`);
    else
      await say(
        sha,
        'ota/policy',
        'success',
        needed === 0 ? 'within the policy' : `plan ${short} is approved by ${count}`,
      );
  }

  return {
    all: async (sha, state, description) => {
      for (const context of CONTEXTS) await say(sha, context, state, description);
    },
    invalid: async (sha, problems) => {
      await say(sha, 'ota/validate', 'failure', countProblems(problems));
      await say(sha, 'ota/plan', 'failure', 'no plan: the desired state is invalid');
      await say(sha, 'ota/policy', 'failure', 'not judged: the desired state is invalid');
    },
    planned: async (sha, plan, judgement, given, fleet) => {
      const invalid = [...judgement.problems.files, ...judgement.problems.artifacts];
      const found = invalid.length === 0 ? '' : countProblems(invalid);
      if (hasError(invalid)) await say(sha, 'ota/validate', 'failure', found);
      else await say(sha, 'ota/validate', 'success', found === '' ? 'valid' : `valid · ${found}`);
      await say(sha, 'ota/plan', 'success', describe(plan, fleet));
      await policy(sha, plan, judgement, given);
    },
  };
}

/** `1 problem: artifact_missing · what is wrong`; for several problems only their codes fit into a status. */
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

function describe(plan: Plan, fleet: FleetPlan | undefined): string {
  if (plan.empty) return 'nothing changes in meaning';
  const { fromPercent, toPercent } = plan.exposure;
  const build = plan.head.state.rollout.rollback ? plan.lastSafe : plan.current;
  return [
    build?.buildId ?? '?',
    `${percentText(fromPercent)} → ${percentText(toPercent)}`,
    ...(fleet === undefined ? [] : [`${fleet.newOffers} new offers`]),
    `plan ${shortSha(plan.hash)}`,
  ].join(' · ');
}
