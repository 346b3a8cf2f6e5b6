/** Revisions that were applied or refused, with what a person wants to know of them later. */
import type { Excerpt } from '../domain/excerpt.ts';
import type { BuildId, Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';

export interface ShownProblem extends Problem {
  /** Undefined for a problem of no file. */
  readonly excerpt?: Excerpt | undefined;
}

interface CommitFacts {
  readonly author: string;
  /** First line of the message. */
  readonly subject: string;
}

/** What is kept of a plan: sentences and changes as they were, not as they would be made today. */
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
  /** Of an applied one. */
  readonly from?: Revision | undefined;
  readonly plan_hash?: string | undefined;
  readonly plan?: KeptPlan | undefined;
  readonly changes?: KeptPlan['changes'] | undefined;
  /** Of a refused one: all; of an applied one: warnings. */
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
  /** How many there are of each kind. */
  counts(): Promise<{ readonly applied: number; readonly refused: number }>;
}
