/** Changes to the desired state that a person requests on a page. Each is shown first, then proposed as a pull request. */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import type { PlanForecast } from '../domain/plan/outlook.ts';
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
      /** If this build is current, its ramp is replaced. Otherwise the build is promoted with this ramp. */
      readonly buildId: BuildId;
      /** As a person typed them: `1:4h, 10:24h, 50:24h, 100`. */
      readonly steps: string;
      /** Adds a gate with default limits. An existing gate is kept either way. */
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
  /** The commit that the change was computed on: the newest one of the governing branch. */
  readonly base: Revision;
  /** Identifies the inputs of the computation: the commit, the revision in force and its halts. */
  readonly basis: string;
  /** One line in the imperative: the commit's subject and the pull request's title. */
  readonly title: string;
  readonly notes: readonly string[];
  readonly files: readonly ChangedFile[];
  readonly plan: Plan;
  readonly fleet: FleetPlan;
  readonly forecast: PlanForecast;
  readonly warnings: readonly Problem[];
  readonly approvalsNeeded: number;
}

export interface RefusedChange {
  readonly kind: 'refused';
  readonly message: string;
  readonly hint: string | undefined;
  /** Problems of the changed files. */
  readonly problems: readonly Problem[];
}

/** A validated change for which a pull request is about to be opened. */
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
  /** Without GitHub: a branch was pushed to the source, and a person merges it. */
  | { readonly kind: 'pushed'; readonly branch: string }
  /** The branch or the fleet's state has changed since. `shown` is the new plan. */
  | { readonly kind: 'moved'; readonly shown: ShownChange }
  | RefusedChange;

export type ProposalWay = 'pull_request' | 'branch';

export interface Changes {
  /** How a change is proposed. Undefined for a plain folder: there the page shows a command to run. */
  readonly way: ProposalWay | undefined;
  /** Computes what the change would do now, and writes nothing. Faults of the source. */
  show(ask: Ask): Promise<ShownChange | RefusedChange>;
  /** Opens the pull request or pushes the branch if `basis` is still up to date. Faults of the source and of GitHub. */
  propose(ask: Ask, how: { readonly basis: string; readonly by: string }): Promise<Proposed>;
}
