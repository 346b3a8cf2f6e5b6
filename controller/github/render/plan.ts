/** The comment on an open pull request: the effect of merging it, or why there is no plan. */

import type { Revision } from '../../domain/ids.ts';
import type { FleetPlan } from '../../domain/plan/fleet.ts';
import type { Plan } from '../../domain/plan/index.ts';
import { renderPlanMarkdown } from '../../domain/plan/markdown.ts';
import type { PlanForecast } from '../../domain/plan/outlook.ts';
import type { GivenApprovals, Uncounted } from '../approvals.ts';
import type { ShownProblem } from '../ledger.ts';
import { literal, paragraphs, shortSha } from './markdown.ts';
import { renderProblems } from './rejected.ts';

export interface Reviewed {
  readonly head: Revision;
  /** The applied revision that the change is planned against. */
  readonly base: Revision | undefined;
  /** The newest revision of the base branch, if it was rejected; then `base` is older than the branch. */
  readonly refused?: { readonly revision: Revision; readonly problems: readonly ShownProblem[] } | undefined;
}

/** The rest of a comment's 65,536 characters is for problems and the text around the plan. */
const PLAN_CHARS = 45_000;

const footer = ({ head, base }: Reviewed): string =>
  `<sub>head ${shortSha(head)} · base ${base === undefined ? 'nothing applied yet' : shortSha(base)} · updated in place when head or base change</sub>`;

/** A warning at the top: the plan is compared with a revision older than the base branch. */
function refusedBase({ base, refused }: Reviewed): string | undefined {
  if (refused === undefined) return undefined;
  const errors = refused.problems.filter(p => p.severity === 'error');
  const [first] = errors;
  const place =
    first === undefined || first.file === '' ? '' : ` in ${literal(`${first.file}:${first.line}`)}`;
  const why = first === undefined ? '' : `: **${first.code}**${place}, ${literal(first.message, 300)}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const stands = base === undefined ? 'nothing is applied yet' : `${shortSha(base)} stays in force`;
  return [
    '> [!WARNING]',
    `> **The base branch is refused** at ${shortSha(refused.revision)}${why}${more}.`,
    `> Until that is fixed, ${stands}, and this pull request is compared with it. Fix it in this pull request, or on the base branch first.`,
  ].join('\n');
}

const notCounted = ({ login, why }: Uncounted): string =>
  why === 'unknown'
    ? `GitHub did not return the permission of ${literal(login)}`
    : `${literal(login)} has no write access to this repository`;

/** The effect of a plan on the enrolled fleet. */
export interface Counted {
  readonly fleet: FleetPlan;
  readonly forecast?: PlanForecast | undefined;
}

export function renderPlanComment(
  reviewed: Reviewed,
  plan: Plan,
  counted: Counted,
  problems: readonly ShownProblem[],
  approvals: GivenApprovals & { readonly needed: number },
): string {
  const { needed, count, uncounted } = approvals;
  return paragraphs(
    refusedBase(reviewed),
    renderPlanMarkdown(plan, {
      ...counted,
      limit: PLAN_CHARS,
      warnings: problems.length === 0 ? undefined : renderProblems(problems),
    }).trimEnd(),
    needed === 0
      ? undefined
      : [
          `**Approvals of this plan:** ${count} of ${needed}. A new head or base makes a new plan, which needs its own approvals.`,
          ...(uncounted.length === 0 ? [] : [`Not counted: ${uncounted.map(notCounted).join('; ')}.`]),
        ].join(' '),
    footer(reviewed),
  );
}

export const renderInvalidComment = (reviewed: Reviewed, problems: readonly ShownProblem[]): string =>
  paragraphs(
    refusedBase(reviewed),
    '### No plan: this would not be applied',
    'If this is merged as it is, nothing changes for any device: the last good revision stays in force.',
    renderProblems(problems),
    footer(reviewed),
  );

export const renderConflictComment = (reviewed: Reviewed): string =>
  paragraphs(
    refusedBase(reviewed),
    '### No plan: this conflicts with what is merged',
    'Rebase, or merge the base branch. The plan is then updated automatically.',
    footer(reviewed),
  );

export const renderUnrelatedComment = (reviewed: Reviewed): string =>
  paragraphs(
    refusedBase(reviewed),
    '### No plan: this has no common history with the base branch',
    'Git cannot merge it. Make the change again on a branch that starts from the base branch.',
    footer(reviewed),
  );

export const renderUnchangedComment = (reviewed: Reviewed): string =>
  paragraphs(
    refusedBase(reviewed),
    '### No change to the desired state',
    'Merging this changes nothing for any device.',
    footer(reviewed),
  );
