/** Proposes changes as a branch and a pull request. */
import type { Revision } from '../domain/ids.ts';
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import type { PlanForecast } from '../domain/plan/outlook.ts';

/** A validated change that is to become a branch and a pull request. */
export interface Proposal {
  /** The repository's root, absolute. */
  readonly root: string;
  /** The commit that the change was computed on, from {@link Proposals.base}. It must be the parent of the new commit. */
  readonly base: Revision;
  /** Complete new texts by path in the repository, with forward slashes. Complete texts cannot conflict. */
  readonly files: ReadonlyMap<string, string>;
  /** The commit's subject and the pull request's title. */
  readonly title: string;
  readonly reason: string | undefined;
  readonly plan: Plan;
  /** Counts of the enrolled fleet, if the controller provided them. */
  readonly fleet: FleetPlan | undefined;
  readonly forecast: PlanForecast;
  readonly warnings: readonly string[];
}

export interface Proposals {
  /** Fetches, and returns the newest commit of the governing branch. Faults say what to check. */
  base(root: string): Promise<Revision>;
  /** Pushes a branch and opens a pull request for it. `url` is undefined if GitHub is not set up. */
  open(proposal: Proposal): Promise<{ readonly branch: string; readonly url: string | undefined }>;
}
