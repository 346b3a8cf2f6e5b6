/** A request to the leader, when several controllers share one database. */
export interface LeaderRequest {
  readonly id: string;
  readonly kind: string;
  /** JSON. */
  readonly detail: unknown;
}

export interface LeaderRequests {
  /** Returns the id of the request. */
  ask(kind: string, detail: unknown): Promise<string>;
  /** The leader calls this before it begins. False if already begun or withdrawn. Faults `not_leading`, `lease_lost`. */
  take(id: string): Promise<boolean>;
  /** The requester calls this. False if the leader has begun or has answered. */
  withdraw(id: string): Promise<boolean>;
  /** `answer`: JSON. */
  answer(id: string, answer: unknown): Promise<void>;
  /** Requests of the last minute that nobody has begun, oldest first. */
  open(): Promise<readonly LeaderRequest[]>;
  /** Undefined while there is no answer. */
  answerOf(id: string): Promise<{ readonly answer: unknown } | undefined>;
}
