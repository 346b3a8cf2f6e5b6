/** The moment at which rules are checked, and what they need to know beside the state. */
export interface RuleTimes {
  /** When the state would be applied. */
  readonly nowMs: number;
  /** How often agents poll; default 6 h. */
  readonly pollMs?: number | undefined;
  /** True for a proposal: mistakes that can still be fixed before the merge are errors. */
  readonly reviewing?: boolean | undefined;
  /** Git held a different rollout since the applied revision, so a ramp that looks the same is a new one. */
  readonly broken?: boolean | undefined;
}
