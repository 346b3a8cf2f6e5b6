/** What a controller asks of the one that leads, where several are on one database. */
export interface LeaderRequest {
  readonly id: string;
  readonly kind: string;
  /** JSON. */
  readonly detail: unknown;
}

export interface LeaderRequests {
  /** Returns the id of the question. */
  ask(kind: string, detail: unknown): Promise<string>;
  /** For the one that leads, before it begins: false when it was begun or withdrawn before. Faults `not_leading`, `lease_lost`. */
  take(id: string): Promise<boolean>;
  /** For whoever asked: false when the leader has begun, or has answered. */
  withdraw(id: string): Promise<boolean>;
  /** `answer`: JSON. */
  answer(id: string, answer: unknown): Promise<void>;
  /** Those of the last minute that nobody has begun, the oldest first. */
  open(): Promise<readonly LeaderRequest[]>;
  /** Undefined while there is no answer. */
  answerOf(id: string): Promise<{ readonly answer: unknown } | undefined>;
}
