/** Who merged and who approved an applied revision. */
import type { Revision } from '../domain/ids.ts';

export interface Approved {
  /** Number of the pull request. */
  readonly pull: number;
  /** How many approvals the policy required. */
  readonly needed: number;
  /** Logins of the people whose approval of exactly this plan counted. */
  readonly by: readonly string[];
}

export interface Merged {
  /** Number of the pull request. */
  readonly pull: number;
  /** Login of the person who merged it. Undefined when GitHub does not say. */
  readonly by: string | undefined;
}

export interface ApprovalSource {
  /** Undefined when the revision came without a pull request, or GitHub has not been asked yet. */
  merged(revision: Revision): Promise<Merged | undefined>;
  /** Undefined when the policy required no approval, or nobody could be asked. */
  approved(revision: Revision): Promise<Approved | undefined>;
}
