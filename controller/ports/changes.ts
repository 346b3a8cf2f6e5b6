/** Changes of the desired state that a person asks for from a page: shown first, then proposed as a pull request. */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import type { Foreseen } from '../domain/plan/outlook.ts';
import type { Problem } from '../domain/problem.ts';

export type Ask =
  | { readonly kind: 'rollout'; readonly percent: number; readonly reason: string | undefined }
  | {
      readonly kind: 'promote';
      readonly buildId: BuildId;
      readonly percent: number;
      readonly reason: string | undefined;
    }
  | {
      readonly kind: 'ramp';
      /** What is current already gets another ramp; another build is promoted on it. */
      readonly buildId: BuildId;
      /** As a person typed them: `1:4h, 10:24h, 50:24h, 100`. */
      readonly steps: string;
      /** With a gate of default limits. A gate that stands stays either way. */
      readonly gate: boolean;
      readonly reason: string | undefined;
    }
  | { readonly kind: 'rollback'; readonly forceDowngrade: boolean; readonly reason: string | undefined }
  | { readonly kind: 'suspend'; readonly sinceMs: number; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'unsuspend'; readonly reason: string | undefined };

export interface ChangedFile {
  /** Below `releases/`. */
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

export interface ShownChange {
  readonly kind: 'shown';
  /** The commit that it was computed on: the newest of the branch that governs. */
  readonly base: Revision;
  /** Names what it was computed on: the commit, the revision in force and what halts it. */
  readonly basis: string;
  /** One line in the imperative: the commit's subject and the pull request's title. */
  readonly title: string;
  readonly notes: readonly string[];
  readonly files: readonly ChangedFile[];
  readonly plan: Plan;
  readonly fleet: FleetPlan;
  readonly foreseen: Foreseen;
  readonly warnings: readonly Problem[];
  readonly approvalsNeeded: number;
}

export interface RefusedChange {
  readonly kind: 'refused';
  readonly message: string;
  readonly hint: string | undefined;
  /** Of the files as they would be. */
  readonly problems: readonly Problem[];
}

/** A judged change on its way to a pull request. */
export interface OpeningPull {
  readonly shown: ShownChange;
  readonly reason: string | undefined;
  /** Who asked for it: `admin:<token name>`, or `person:<subject> (<name>)`. */
  readonly by: string;
}

export interface OpenedPull {
  readonly url: string;
  readonly pull: number;
}

export type Proposed =
  | ({ readonly kind: 'opened' } & OpenedPull)
  /** Without GitHub: a branch of the source that a person merges. */
  | { readonly kind: 'pushed'; readonly branch: string }
  /** The branch or the fleet's state moved on: this is the plan now. */
  | { readonly kind: 'moved'; readonly shown: ShownChange }
  | RefusedChange;

export type ProposalWay = 'pull_request' | 'branch';

export interface Changes {
  /** How a change is proposed; undefined for a folder, where a page shows the command. */
  readonly way: ProposalWay | undefined;
  /** What the change would do now; nothing is written. Faults of the source. */
  show(ask: Ask): Promise<ShownChange | RefusedChange>;
  /** Opens the pull request or pushes the branch, if what `basis` names still stands. Faults of the source and of GitHub. */
  propose(ask: Ask, how: { readonly basis: string; readonly by: string }): Promise<Proposed>;
}
