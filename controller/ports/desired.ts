/** The applied desired state and the last attempt, kept over restarts. */
import type { Halt } from '../domain/halt.ts';
import type { BuildId, Revision, Sha256 } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';
import type { Standing } from '../domain/standing.ts';
import type { AuditEntry } from './audit.ts';
import type { OutboxEntry } from './outbox.ts';
import type { RevisionDetail } from './revisions.ts';

export interface Applied extends Standing {
  readonly revision: Revision;
  readonly treeHash: string;
  readonly appliedAtMs: number;
}

export interface Attempted {
  readonly revision: Revision;
  readonly attemptedAtMs: number;
  /** Warnings alone when the attempt was applied. */
  readonly problems: readonly Problem[];
  /** The APKs that its build files name; undefined where an earlier version kept the attempt. */
  readonly artifacts?: readonly Sha256[] | undefined;
}

/** Writes are the leader's alone: fault `lease_lost` once another has taken over. */
export interface DesiredStore {
  applied(): Promise<Applied | undefined>;
  attempted(): Promise<Attempted | undefined>;
  /**
   * One transaction: state, builds, audit rows and outbox rows, the attempt with its warnings, and the row of the revision.
   * `judged`: the halts that it was judged with. Fault `halts_moved` when there are others now.
   */
  apply(
    next: Applied,
    warnings: readonly Problem[],
    audit: readonly AuditEntry[],
    outbox: readonly OutboxEntry[],
    detail?: RevisionDetail,
    judged?: { readonly buildId: BuildId; readonly halts: readonly Halt[] },
  ): Promise<void>;
  /** Last good stands: records the attempt and, in the same transaction, what must be told about it. */
  reject(attempt: Attempted, outbox: readonly OutboxEntry[], detail?: RevisionDetail): Promise<void>;
  /** The applied tree at this commit: only the revision moves, and the warnings of the applied tree hold again. */
  advance(revision: Revision, atMs: number): Promise<void>;
}
