/** Whether a database in the network answers, and still is ours. */
export interface DatabaseReach {
  /** The last question was answered, and none has waited for longer than ten seconds. */
  readonly reachable: boolean;
  /** It has not answered for longer than `OTA_STALE_MAX`: nothing is offered from memory any more. */
  readonly stale: boolean;
  /** Monotonic ms since the newest question that was answered. */
  readonly ageMs: number;
}
