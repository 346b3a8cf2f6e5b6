/** The snapshot that checks are answered from. */
import type { Snapshot } from '../domain/decision.ts';

/** Holds the one snapshot that checks read; `reconcile` alone publishes. */
export interface Picture {
  /** Undefined until the first revision was applied: checks answer 503. */
  readonly snapshot: Snapshot | undefined;
}
