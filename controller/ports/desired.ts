/** The applied desired state and the last attempt, kept over restarts. */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';
import type { RampClock } from '../domain/ramp.ts';
import type { Build, DesiredState } from '../domain/release.ts';
import type { AuditEntry } from './audit.ts';
import type { OutboxEntry } from './outbox.ts';

export interface Applied {
  readonly revision: Revision;
  readonly treeHash: string;
  readonly appliedAtMs: number;
  readonly state: DesiredState;
  readonly clock: RampClock;
  /** Every build ever applied whose file is gone. */
  readonly formerBuilds: ReadonlyMap<BuildId, Build>;
}

export interface Attempted {
  readonly revision: Revision;
  readonly attemptedAtMs: number;
  /** Empty when the attempt was applied. */
  readonly problems: readonly Problem[];
}

export interface DesiredStore {
  applied(): Promise<Applied | undefined>;
  attempted(): Promise<Attempted | undefined>;
  /** One transaction: state, builds, audit rows and outbox rows, and the attempt without problems. */
  apply(next: Applied, audit: readonly AuditEntry[], outbox: readonly OutboxEntry[]): Promise<void>;
  /** Last good stands: records the attempt and, in the same transaction, what must be told about it. */
  reject(attempt: Attempted, outbox: readonly OutboxEntry[]): Promise<void>;
  /** The same tree at a newer commit: only the revision moves. */
  advance(revision: Revision, atMs: number): Promise<void>;
}
