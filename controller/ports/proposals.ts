/** Changes proposed as a branch and a pull request. */
import type { Revision } from '../domain/ids.ts';
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import type { Foreseen } from '../domain/plan/outlook.ts';

/** A validated change on its way to a branch and a pull request. */
export interface Proposal {
  /** The repository's root, absolute. */
  readonly root: string;
  /** The commit that the change was computed on and must stand on: what {@link Proposals.base} named. */
  readonly base: Revision;
  /** New texts by path in the repository, with forward slashes: whole contents, so that nothing can conflict. */
  readonly files: ReadonlyMap<string, string>;
  /** The commit's subject and the pull request's title. */
  readonly title: string;
  readonly reason: string | undefined;
  readonly plan: Plan;
  /** Counts of the enrolled fleet, where the controller told. */
  readonly fleet: FleetPlan | undefined;
  readonly foreseen: Foreseen;
  readonly warnings: readonly string[];
}

export interface Proposals {
  /** Fetches, and names the newest commit of the branch that governs. Faults say what to check. */
  base(root: string): Promise<Revision>;
  /** Pushes a branch and opens a pull request for it; `url` undefined when no GitHub is set up. */
  open(proposal: Proposal): Promise<{ readonly branch: string; readonly url: string | undefined }>;
}
