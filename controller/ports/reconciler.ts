/** The part of the reconcile loop that HTTP may use. */
import type { Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';

export interface ReconcileStatus {
  readonly appliedRevision: Revision | undefined;
  readonly appliedAtMs: number | undefined;
  readonly attemptedRevision: Revision | undefined;
  readonly problems: readonly Problem[];
  /** When the source was last read successfully. */
  readonly sourceReadAtMs: number | undefined;
  /** Code of the last failure to reach the source; undefined while it can be reached. */
  readonly sourceFault: string | undefined;
  readonly clockHeld: boolean;
}

/** A pass reads the newest revision, judges it and applies or rejects it. */
export interface Reconciler {
  /** A hint that the source may have changed: a pass begins soon. */
  wake(): void;
  /** Runs one whole pass and resolves at its end. `acceptRewrite`: an operator accepts this rewritten head. */
  run(options?: { acceptRewrite?: Revision }): Promise<ReconcileStatus>;
  status(): ReconcileStatus;
  /** Checks the stored APKs of the builds in use. If one was lost or came back, a new snapshot is published. */
  recheck(): Promise<void>;
}
