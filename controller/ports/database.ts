/** Whether a database on the network answers and still belongs to this controller. */
export interface DatabaseReach {
  /** True if the last query was answered and no query has waited for more than ten seconds. */
  readonly reachable: boolean;
  /** True if the last answer is older than `OTA_STALE_MAX`. Nothing is offered from memory then. */
  readonly stale: boolean;
  /** Monotonic ms since the start of the newest answered query. */
  readonly ageMs: number;
}
