/**
 * The one judgement of a revision (SPEC §7): parse, ramp, plan, policy, admission, approval. The controller's
 * loop, open pull requests and the command line all call it; they differ only in the steps they pass.
 */
import type { Halt } from '../halt.ts';
import type { BuildId } from '../ids.ts';
import { type Plan, plan } from '../plan/index.ts';
import { approvalsNeeded, checkPolicy } from '../policy/index.ts';
import { type Finding, hasError, type Problem } from '../problem.ts';
import { standingOnceApplied } from '../ramp/begin.ts';
import type { DesiredState } from '../release.ts';
import type { RuleTimes } from '../rules/times.ts';
import type { Standing } from '../standing.ts';

export interface Parsed {
  /** Undefined when there is any error. */
  readonly state?: DesiredState | undefined;
  readonly problems: readonly Problem[];
}

type Eventually<T> = T | Promise<T>;

/** The judgement's access to the world. A step that is left out is skipped. */
export interface JudgeSteps<Tree> {
  /** Checks each file, the rules between files, and the change against the applied state. */
  readonly parse: (tree: Tree, standing: Standing | undefined, times: RuleTimes) => Eventually<Parsed>;
  /** Gives findings their lines and columns. */
  readonly place: (tree: Tree, findings: readonly Finding[]) => Eventually<readonly Problem[]>;
  /** The wall clock is not to be trusted: no step is entered. */
  readonly clockHeld?: boolean;
  /** How often agents poll. */
  readonly pollMs?: number | undefined;
  /** The tree is proposed, not merged. */
  readonly reviewing?: boolean;
  /** Halts of the build that would become `current`. */
  readonly halts?: (buildId: BuildId) => Eventually<readonly Halt[]>;
  /** True if Git held a different rollout between the applied revision and this tree; then a ramp does not go on. */
  readonly broken?: (tree: Tree, standing: Standing) => Eventually<boolean>;
  /** Checks that the APKs that may be offered are stored and match their YAML. */
  readonly admit?: (state: DesiredState, standing: Standing | undefined) => Eventually<readonly Finding[]>;
  /** Checks the approvals that the policy requires. Called only if it requires some and nothing else is wrong. */
  readonly approve?: (plan: Plan, needed: number) => Eventually<readonly Finding[]>;
}

/** Which step found a problem. */
type JudgeStep = 'files' | 'policy' | 'artifacts' | 'approval';

export interface Judgement {
  /** Undefined if the files are invalid, so the later steps could not run. */
  readonly plan: Plan | undefined;
  readonly problems: { readonly [step in JudgeStep]: readonly Problem[] };
  /** How many approvals the applied policy requires for this plan. */
  readonly approvalsNeeded: number;
}

/** Every problem, in the order of the steps. */
export const problemsOf = ({ problems }: Pick<Judgement, 'problems'>): readonly Problem[] => [
  ...problems.files,
  ...problems.policy,
  ...problems.artifacts,
  ...problems.approval,
];

/** `nowMs`: when the tree would be applied. */
export async function judge<Tree>(
  steps: JudgeSteps<Tree>,
  tree: Tree,
  standing: Standing | undefined,
  nowMs: number,
): Promise<Judgement> {
  const broken = standing !== undefined && ((await steps.broken?.(tree, standing)) ?? false);
  const parsed = await steps.parse(tree, standing, {
    nowMs,
    reviewing: steps.reviewing,
    broken,
    pollMs: steps.pollMs,
  });
  if (parsed.state === undefined) return invalid(parsed.problems);

  const head = standingOnceApplied(standing, parsed.state, {
    nowMs,
    broken,
    clockHeld: steps.clockHeld,
    kept: await steps.halts?.(parsed.state.rollout.current),
  });
  const planned = plan(standing, head, nowMs);
  const rules = standing?.state.policy;
  const policy =
    standing === undefined || rules === undefined ? [] : checkPolicy(rules, standing, head, nowMs);
  const needed = rules === undefined ? 0 : approvalsNeeded(rules, standing, head, nowMs);
  const artifacts = (await steps.admit?.(head.state, standing)) ?? [];
  const asks = needed > 0 && !hasError(policy) && !hasError(artifacts);
  const approval = asks ? ((await steps.approve?.(planned, needed)) ?? []) : [];
  const placed = await steps.place(tree, [...policy, ...artifacts, ...approval]);
  const unapproved = policy.length + artifacts.length;
  return {
    plan: planned,
    problems: {
      files: parsed.problems,
      policy: placed.slice(0, policy.length),
      artifacts: placed.slice(policy.length, unapproved),
      approval: placed.slice(unapproved),
    },
    approvalsNeeded: needed,
  };
}

const invalid = (files: readonly Problem[]): Judgement => ({
  plan: undefined,
  problems: { files, policy: [], artifacts: [], approval: [] },
  approvalsNeeded: 0,
});
