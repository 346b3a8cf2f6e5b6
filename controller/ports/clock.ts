/** Wall time for decisions, Unix ms. It stops while the wall clock cannot be trusted (SPEC §2). */
export interface Clock {
  nowMs(): number;
}

export interface HeldClock extends Clock {
  readonly held: boolean;
  /** An operator confirms that the wall clock is right. Returns false if the clock was not held. */
  confirm(): boolean;
}
