/** What stops builds without a commit, and what is known of the devices that took one. */
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
  /** What stood against the build; undefined for a hand brake. */
  readonly lift: Lift | undefined;
  /** Devices that are no evidence against the build any more. */
  readonly without: readonly DeviceId[];
}

/** A halt with all that is kept of it. */
export interface KeptHalt extends Halt {
  /** What it was decided on; null for a hand brake. */
  readonly evidence: unknown;
  /** Undefined while it stands. */
  readonly ended: { readonly atMs: number; readonly by: string; readonly reason: string } | undefined;
}

/** Devices that took the build and whose newest final outcome is a failure, by what they have in common. */
export interface FailedDevices {
  readonly reason: ResultReason;
  readonly sdk: number | undefined;
  /** What they ran when they reported it. */
  readonly fromVersionCode: number;
  readonly devices: number;
}

/** What a halt promises; committed with it. */
export type HaltEffects = (halt: Halt) => readonly OutboxEntry[];

/**
 * Writes are the leader's alone: faults `not_leading`, and `lease_lost` once another has taken over; nothing is written then.
 * Only a brake of a person may be pressed on any controller.
 */
export interface HaltStore {
  /** Those of a build that nothing has ended. */
  standing(buildId: BuildId): Promise<Halt[]>;
  /** One transaction: the halt, and the audit and outbox rows that it causes. Fault `moved_on`: its build is not current any more. */
  press(halt: NewHalt, audit: readonly AuditEntry[], effects?: HaltEffects): Promise<Halt>;
  /** One transaction: ends these and keeps what stood; devices excluded now stay excluded. */
  lift(
    halts: readonly Halt[],
    how: LiftedBy,
    audit: readonly AuditEntry[],
    effects?: HaltEffects,
  ): Promise<void>;
  /** Whether it stands or has ended. */
  find(id: number): Promise<KeptHalt | undefined>;
  /** The pull request that says the same was opened. */
  proposed(id: number, pullUrl: string): Promise<void>;
  /** The largest groups first, at most `limit` of them. */
  failed(buildId: BuildId, limit: number): Promise<FailedDevices[]>;
  /** What stood when a gate's halt of this build was lifted last. */
  lastLift(buildId: BuildId): Promise<Lift | undefined>;
  /** Those of devices that were erased since, by what they had said. */
  erased(buildId: BuildId): Promise<ErasedTakers[]>;
  /** Every device that took the build, or has reported about it; excluded ones are left out. One query. */
  takers(buildId: BuildId, sizeBytes: number): Promise<Taker[]>;
}
