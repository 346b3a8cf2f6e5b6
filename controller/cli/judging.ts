/** The command line's part of the one judgement: what it knows of the files, the repository and the controller. */
import type { Snapshot } from '../domain/decision.ts';
import { Fault } from '../domain/fault.ts';
import { judge, problemsOf } from '../domain/judging/judge.ts';
import type { Plan } from '../domain/plan/index.ts';
import { hasError } from '../domain/problem.ts';
import { pictureOf, type Standing } from '../domain/standing.ts';
import type { SourceTree } from '../ports/index.ts';
import { parseState, placeFindings } from '../yaml/parse.ts';
import type { Placed } from './problem-formats.ts';
import { apkCheck, type StoredApks } from './stored-apks.ts';
import type { Workspace } from './workspace.ts';

export interface HeadJudgement {
  /** Undefined when there is any error. */
  readonly plan: Plan | undefined;
  /** Errors and warnings, file names relative to the reader's folder. */
  readonly problems: readonly Placed[];
  readonly files: number;
  /** How many reviewers the standing policy wants. */
  readonly approvalsNeeded: number;
  /** Why the stored APKs were not checked; undefined when they were, or there was nothing to check. */
  readonly apksUnchecked: string | undefined;
}

/** Without `ask` the stored APKs are left aside. */
export async function judgeHead(
  workspace: Workspace,
  tree: SourceTree,
  base: Standing | undefined,
  nowMs: number,
  ask?: () => Promise<StoredApks>,
): Promise<HeadJudgement> {
  const apks = ask === undefined ? undefined : apkCheck(ask);
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

/** What a person should know beside the problems: what was not checked, and what the merge will need. */
export const notesOn = ({ approvalsNeeded, apksUnchecked }: HeadJudgement): string[] => [
  ...(apksUnchecked === undefined
    ? []
    : [`whether the controller holds the APKs was not checked: ${apksUnchecked}`]),
  ...(approvalsNeeded === 0
    ? []
    : [
        `the policy asks for ${approvalsNeeded} ${approvalsNeeded === 1 ? 'approval' : 'approvals'} of this plan`,
      ]),
];

/**
 * What stands at a merged revision. How far its ramp has come only the controller knows, so nothing counts as exposed by
 * it. Faults `revision_unknown`, `base_invalid`.
 */
export async function standingAt(workspace: Workspace, name: string, nowMs: number): Promise<Standing> {
  const tree = await workspace.at(name);
  const { state, problems } = parseState(tree, undefined, { nowMs });
  if (state === undefined) {
    const first = problems.find(p => p.severity === 'error');
    const where =
      first === undefined ? '' : `\n  ${shownFile(workspace, first.file)}:${first.line}: ${first.message}`;
    throw new Fault(
      'base_invalid',
      `the desired state at ${name} is itself invalid, so nothing can be compared with it${where}`,
      { retry: 'never' },
    );
  }
  return { state, progress: undefined, formerBuilds: new Map() };
}

/** The picture that decisions are made from, as if this had been applied now. */
export const pictureAt = (standing: Standing, nowMs: number): Snapshot => pictureOf(standing, nowMs);
