/** The progress of ramps: one row per step, kept across restarts. */
import type { BuildId } from '../domain/ids.ts';
import type { RampProgress } from '../domain/ramp/progress.ts';
import type { AuditEntry } from './audit.ts';
import type { OutboxEntry } from './outbox.ts';

/** The progress found by one look, and the data stored with it. */
export interface KeptProgress {
  readonly buildId: BuildId;
  readonly progress: RampProgress;
  /** Percent of the current step; undefined if no step was entered yet. */
  readonly percent: number | undefined;
  readonly decidedAtMs: number;
  /** Who decided: `ramp`, or an operator. */
  readonly decidedBy: string;
}

export interface RampStepRow {
  readonly step: number;
  readonly percent: number | undefined;
  readonly enteredAtMs: number;
  readonly exposureMs: number;
  readonly verdict: string | undefined;
}

export interface RampStore {
  /**
   * Writes the rows and their audit and outbox rows in one transaction. Fault `lease_lost` once another controller has taken
   * over; nothing is written then.
   */
  keep(kept: KeptProgress, audit: readonly AuditEntry[], outbox: readonly OutboxEntry[]): Promise<void>;
  /** The entered steps of a ramp, in order. */
  steps(rampId: number): Promise<RampStepRow[]>;
}
