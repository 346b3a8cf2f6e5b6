/** What one file declares. */
import type { Build, Cohort, Policy, Rollout } from '../domain/release.ts';

export type Declared =
  | { readonly kind: 'Rollout'; readonly value: Rollout }
  | { readonly kind: 'Build'; readonly value: Build }
  | { readonly kind: 'Cohort'; readonly value: Cohort }
  | { readonly kind: 'Policy'; readonly value: Policy };
