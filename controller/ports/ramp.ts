/** How far ramps have come: one row a step, kept over restarts. */
import type { BuildId } from '../domain/ids.ts';
import type { RampProgress } from '../domain/ramp/progress.ts';
import type { AuditEntry } from './audit.ts';
import type { OutboxEntry } from './outbox.ts';

/** The progress of one look, with what must be kept beside it. */
export interface KeptProgress {
  readonly buildId: BuildId;
  readonly progress: RampProgress;
  /** Of the step that stands; undefined: none is entered yet. */
  readonly percent: number | undefined;
  readonly decidedAtMs: number;
  /** Who judged: `ramp`, or an operator. */
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
   * One transaction: the rows, and the audit and outbox rows that they cause. Fault `lease_lost` once another controller
   * has taken over; nothing is written then.
   */
  keep(kept: KeptProgress, audit: readonly AuditEntry[], outbox: readonly OutboxEntry[]): Promise<void>;
  /** The steps of a ramp that were entered, in order. */
  steps(rampId: number): Promise<RampStepRow[]>;
}
