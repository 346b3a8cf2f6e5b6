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
  /** Only warnings if the attempt was applied. */
  readonly problems: readonly Problem[];
  /** The APKs that its build files name. Undefined if an earlier version of the controller stored the attempt. */
  readonly artifacts?: readonly Sha256[] | undefined;
}

/** Only the leader may write. Fault `lease_lost` once another controller has taken over. */
export interface DesiredStore {
  applied(): Promise<Applied | undefined>;
  attempted(): Promise<Attempted | undefined>;
  /**
   * Writes in one transaction: the state, builds, audit rows, outbox rows, the attempt with its warnings, and the row of
   * the revision. `judged`: the halts at the time of the judgement. Fault `halts_moved` if the halts have changed since.
   */
  apply(
    next: Applied,
    warnings: readonly Problem[],
    audit: readonly AuditEntry[],
    outbox: readonly OutboxEntry[],
    detail?: RevisionDetail,
    judged?: { readonly buildId: BuildId; readonly halts: readonly Halt[] },
  ): Promise<void>;
  /** Keeps the applied state. Records the attempt and its notifications in one transaction. */
  reject(attempt: Attempted, outbox: readonly OutboxEntry[], detail?: RevisionDetail): Promise<void>;
  /** The commit has the applied tree: only the revision changes, and the warnings of the applied tree apply again. */
  advance(revision: Revision, atMs: number): Promise<void>;
}
