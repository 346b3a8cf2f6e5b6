/** Runs the common judgement with what the command line knows of the files, the repository and the controller. */
import type { Snapshot } from '../domain/decision.ts';
import { Fault } from '../domain/fault.ts';
import { judge, problemsOf } from '../domain/judging/judge.ts';
import type { Plan } from '../domain/plan/index.ts';
import { hasError } from '../domain/problem.ts';
import type { DesiredState } from '../domain/release.ts';
import { pictureOf, type Standing } from '../domain/standing.ts';
import type { SourceTree } from '../ports/index.ts';
import { parseState, placeFindings } from '../yaml/parse.ts';
import type { Placed } from './problem-formats.ts';
import { type RolloutAnswer, rampStatusOf } from './rollout-answer.ts';
import { apkCheck, type ExamineBuilds } from './stored-apks.ts';
import type { Workspace } from './workspace.ts';

export interface HeadJudgement {
  /** Undefined if there is any error. */
  readonly plan: Plan | undefined;
  /** Errors and warnings. File names are relative to the user's folder. */
  readonly problems: readonly Placed[];
  readonly files: number;
  /** How many reviewers the merged policy requires. */
  readonly approvalsNeeded: number;
  /** Why the stored APKs were not checked; undefined if they were, or if there was nothing to check. */
  readonly apksUnchecked: string | undefined;
}

/** Without `examine` the stored APKs are not checked. */
export async function judgeHead(
  workspace: Workspace,
  tree: SourceTree,
  base: Standing | undefined,
  nowMs: number,
  examine?: ExamineBuilds,
): Promise<HeadJudgement> {
  const apks = examine === undefined ? undefined : apkCheck(examine);
  const judgement = await judge(
    {
      parse: parseState,
      place: ({ files }: SourceTree, findings) => placeFindings(files, findings),
      reviewing: true,
      ...(apks !== undefined && { admit: apks.admit }),
    },
    tree,
    base,
    nowMs,
  );
  const problems = problemsOf(judgement).map(p => ({ ...p, file: shownFile(workspace, p.file) }));
  return {
    plan: hasError(problems) ? undefined : judgement.plan,
    problems,
    files: tree.files.length,
    approvalsNeeded: judgement.approvalsNeeded,
    apksUnchecked: apks?.unchecked(),
  };
}

const shownFile = (workspace: Workspace, file: string): string =>
  workspace.shown === '.' ? file : `${workspace.shown}/${file}`;

/** Notes for the user in addition to the problems: what was not checked, and what the merge will need. */
export const notesOn = ({ approvalsNeeded, apksUnchecked }: HeadJudgement): string[] => [
  ...(apksUnchecked === undefined
    ? []
    : [`it was not checked whether the controller has the APKs: ${apksUnchecked}`]),
  ...(approvalsNeeded === 0
    ? []
    : [
        `the policy requires ${approvalsNeeded} ${approvalsNeeded === 1 ? 'approval' : 'approvals'} of this plan`,
      ]),
];

const NOT_ASKED: RolloutAnswer = { kind: 'unknown', why: 'the controller was not asked' };

export interface Base {
  /** Undefined if nothing was released before. */
  readonly standing: Standing | undefined;
  /** Warnings about the base for the user. */
  readonly warnings: readonly Placed[];
}

/**
 * The desired state at a merged revision. An invalid revision was never applied, so the nearest valid one before it is
 * used, with its policy. `answer` is the controller's answer about it. Faults `revision_unknown`, `base_unknown`.
 */
export async function baseAt(
  workspace: Workspace,
  name: string,
  nowMs: number,
  answer: RolloutAnswer = NOT_ASKED,
): Promise<Base> {
  const tree = await workspace.at(name);
  const { repository } = workspace;
  if (repository === undefined) throw new Error('assertion: a revision was read without a repository');
  const { state, problems } = parseState(tree, undefined, { nowMs });
  if (state !== undefined) return baseOf(state, answer, nowMs);
  const isEmpty = tree.files.length === 0;
  const first = problems.find(p => p.severity === 'error');
  const at =
    first === undefined ? '' : ` (${shownFile(workspace, first.file)}:${first.line}: ${first.message})`;
  const invalid = `the desired state at ${name} is invalid${at}`;
  for (const ancestor of await repository.ancestors(tree.revision)) {
    const before = parseState(await repository.read(ancestor), undefined, { nowMs }).state;
    if (before === undefined) continue;
    const nearest = `compared with ${ancestor.slice(0, 12)}, the nearest valid revision before it`;
    const base = baseOf(before, answer, nowMs);
    return { ...base, warnings: [warning('base_invalid', `${invalid}; ${nearest}`), ...base.warnings] };
  }
  if (await repository.isShallow()) throw baseUnknown(`${invalid}, and this clone is shallow`, UNSHALLOW);
  if (!isEmpty)
    throw baseUnknown(
      `${invalid}, and no revision before it is valid`,
      'merge a valid state first; check it with: ota validate, without --base',
    );
  const none = `nothing was released at ${name} yet: everything counts as new, and there is no policy yet`;
  return { standing: undefined, warnings: [warning('base_empty', none)] };
}

const UNSHALLOW = 'fetch the whole history: git fetch --unshallow (in GitHub Actions: fetch-depth: 0)';

const baseUnknown = (why: string, cure: string): Fault =>
  new Fault('base_unknown', `cannot determine the merged state: ${why}\n  ${cure}`, { retry: 'never' });

const warning = (code: string, message: string): Placed => ({
  severity: 'warning',
  code,
  file: '',
  line: 1,
  column: 1,
  path: '',
  message,
  hint: undefined,
});

/** Only the controller knows the progress of a ramp. If it does not tell, no device counts as exposed by the ramp. */
function baseOf(state: DesiredState, answer: RolloutAnswer, nowMs: number): Base {
  const { progress, halts, unknown } = rampStatusOf(state, answer, nowMs);
  return {
    standing: { state, progress, halts, formerBuilds: new Map() },
    warnings: unknown === undefined ? [] : [progressUnknown(state, unknown)],
  };
}

const progressUnknown = ({ rollout }: DesiredState, why: string): Placed =>
  warning(
    'ramp_progress_unknown',
    `the progress of the ramp of ${rollout.current} is not known (${why}): increases count from 0 %, and its cohort_seed counts as in use`,
  );

/** The snapshot for decisions, as if this state had been applied now. */
export const pictureAt = (standing: Standing, nowMs: number): Snapshot => pictureOf(standing, nowMs);
