/** Halts, which stop a build without a commit, and the devices that took a build. */
import type { Lift } from '../domain/gate/proof.ts';
import type { ErasedTakers, Taker } from '../domain/gate/takers.ts';
import type { Halt } from '../domain/halt.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { ResultReason } from '../domain/outcome.ts';
import type { AuditEntry } from './audit.ts';
import type { OutboxEntry } from './outbox.ts';

export interface NewHalt extends Omit<Halt, 'id' | 'declared'> {
  readonly evidence: unknown;
}

interface LiftedBy {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
  /** The evidence against the build at that time; undefined for a hand brake. */
  readonly lift: Lift | undefined;
  /** Devices that no longer count as evidence against the build. */
  readonly without: readonly DeviceId[];
}

/** A halt with everything that is stored about it. */
export interface KeptHalt extends Halt {
  /** The evidence for the decision; null for a hand brake. */
  readonly evidence: unknown;
  /** Undefined while the halt is in force. */
  readonly ended: { readonly atMs: number; readonly by: string; readonly reason: string } | undefined;
}

/** A group of alike devices that took the build and whose newest final outcome is a failure. */
export interface FailedDevices {
  readonly reason: ResultReason;
  readonly sdk: number | undefined;
  /** The version that they ran when they reported the failure. */
  readonly fromVersionCode: number;
  readonly devices: number;
}

/** The outbox rows of a halt, committed together with it. */
export type HaltEffects = (halt: Halt) => readonly OutboxEntry[];

/**
 * Only the leader may write. On faults `not_leading`, and `lease_lost` once another controller has taken over, nothing is
 * written. The exception is the hand brake, which may be pressed on any controller.
 */
export interface HaltStore {
  /** The halts of a build that are in force. */
  standing(buildId: BuildId): Promise<Halt[]>;
  /** Writes the halt and its audit and outbox rows in one transaction. Fault `moved_on` if its build is no longer current. */
  press(halt: NewHalt, audit: readonly AuditEntry[], effects?: HaltEffects): Promise<Halt>;
  /** Ends these halts and stores the evidence at that time, in one transaction. Devices excluded now stay excluded. */
  lift(
    halts: readonly Halt[],
    how: LiftedBy,
    audit: readonly AuditEntry[],
    effects?: HaltEffects,
  ): Promise<void>;
  /** Finds a halt that is in force or has ended. */
  find(id: number): Promise<KeptHalt | undefined>;
  /** Records the opened pull request that declares the halt in Git. */
  proposed(id: number, pullUrl: string): Promise<void>;
  /** The largest groups first, at most `limit` of them. */
  failed(buildId: BuildId, limit: number): Promise<FailedDevices[]>;
  /** The evidence at the time when a gate's halt of this build was last lifted. */
  lastLift(buildId: BuildId): Promise<Lift | undefined>;
  /** Takers that have been erased since, grouped by their reports. */
  erased(buildId: BuildId): Promise<ErasedTakers[]>;
  /** Every device that took the build or has reported about it, without excluded devices. One query. */
  takers(buildId: BuildId, sizeBytes: number): Promise<Taker[]>;
}
