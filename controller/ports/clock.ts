/** Wall time that decisions may trust, Unix ms: it stands still while the wall clock cannot be trusted (SPEC §2). */
export interface Clock {
  nowMs(): number;
}

export interface HeldClock extends Clock {
  readonly held: boolean;
  /** An operator says that the wall clock is right. False when it was not held. */
  confirm(): boolean;
}
