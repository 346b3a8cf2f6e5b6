/** Wall time that decisions may trust. */

/** Wall time that decisions may trust, Unix ms: it stands still after a jump of over 5 minutes (SPEC §2). */
export interface Clock {
  nowMs(): number;
}
