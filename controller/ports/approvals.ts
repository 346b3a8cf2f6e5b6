/** Who merged and who approved what was applied. */
import type { Revision } from '../domain/ids.ts';

export interface Approved {
  /** Number of the pull request. */
  readonly pull: number;
  /** How many the policy asked for. */
  readonly needed: number;
  /** Logins of those whose approval of this very plan counted. */
  readonly by: readonly string[];
}

export interface Merged {
  /** Number of the pull request. */
  readonly pull: number;
  /** Login of who merged it; undefined when GitHub does not say. */
  readonly by: string | undefined;
}

export interface ApprovalSource {
  /** Undefined where a revision came through no pull request, or GitHub was not asked yet. */
  merged(revision: Revision): Promise<Merged | undefined>;
  /** Undefined where the policy asked for none, or nobody could be asked. */
  approved(revision: Revision): Promise<Approved | undefined>;
}
