/** Applied and refused revisions, with the details that people look up later. */
import type { Excerpt } from '../domain/excerpt.ts';
import type { BuildId, Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';

export interface ShownProblem extends Problem {
  /** Undefined for a problem that belongs to no file. */
  readonly excerpt?: Excerpt | undefined;
}

interface CommitFacts {
  readonly author: string;
  /** First line of the message. */
  readonly subject: string;
}

/** The stored part of a plan: the sentences and changes as shown then, not as today's code would write them. */
interface KeptPlan {
  readonly headline: string;
  readonly exposure: string;
  readonly views: readonly string[];
  readonly dangers: readonly string[];
  readonly changes: readonly {
    readonly file: string;
    readonly path: string;
    readonly before?: string | number | boolean | undefined;
    readonly after?: string | number | boolean | undefined;
  }[];
}

export interface RevisionDetail {
  readonly commit?: CommitFacts | undefined;
  /** Only for an applied revision. */
  readonly from?: Revision | undefined;
  readonly plan_hash?: string | undefined;
  readonly plan?: KeptPlan | undefined;
  readonly changes?: KeptPlan['changes'] | undefined;
  /** All problems of a refused revision; the warnings of an applied one. */
  readonly problems?: readonly ShownProblem[] | undefined;
}

export interface KeptRevision {
  readonly id: number;
  readonly revision: Revision;
  readonly kind: 'applied' | 'refused';
  readonly atMs: number;
  readonly buildId: BuildId | undefined;
  readonly detail: RevisionDetail;
}

export interface RevisionStore {
  /** Newest first. */
  list(page: {
    readonly beforeId?: number | undefined;
    readonly limit: number;
    readonly kind?: KeptRevision['kind'] | undefined;
  }): Promise<KeptRevision[]>;
  /** Number of revisions of each kind. */
  counts(): Promise<{ readonly applied: number; readonly refused: number }>;
}
