/** Who approved what was applied. */
import type { Revision } from '../domain/ids.ts';

export interface Approved {
  /** Number of the pull request. */
  readonly pull: number;
  /** How many the policy asked for. */
  readonly needed: number;
  /** Logins of those whose approval of this very plan counted. */
  readonly by: readonly string[];
}

export interface ApprovalSource {
  /** Undefined where the policy asked for none, or nobody could be asked. */
  approved(revision: Revision): Promise<Approved | undefined>;
}
