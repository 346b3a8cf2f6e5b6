/** What HTTP may ask of the reconcile loop. */
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

/** What HTTP may ask of the loop. */
export interface Reconciler {
  /** A hint that the source may have changed: a pass begins soon. */
  wake(): void;
  /** One whole pass; resolves when it has ended. `acceptRewrite`: an operator accepts this rewritten head. */
  run(options?: { acceptRewrite?: Revision }): Promise<ReconcileStatus>;
  status(): ReconcileStatus;
  /** Looks at the stored APKs of the builds in use; a snapshot that knows of a loss or a return is in force afterwards. */
  recheck(): Promise<void>;
}
