/** Outcome of reconciling a revision; input for the effects that are promised with it. */
import type { Snapshot } from '../decision.ts';
import type { Revision } from '../ids.ts';
import type { Plan } from '../plan/index.ts';
import type { Problem } from '../problem.ts';

export type Reconciled =
  | {
      readonly kind: 'applied';
      readonly before: Snapshot | undefined;
      readonly after: Snapshot;
      readonly plan: Plan;
      /** Warnings. */
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'rejected'; readonly revision: Revision; readonly problems: readonly Problem[] };
