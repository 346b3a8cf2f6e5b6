/** How long to wait before trying again. */
import { MINUTE_MS, SECOND_MS } from './duration.ts';

const FIRST_DELAY_MS = SECOND_MS;
const LONGEST_DELAY_MS = 5 * MINUTE_MS;

/** 1 s, 2 s, 4 s … 5 min, half of it random (0 ≤ random < 1), so that many callers do not retry at the same moment. */
export function retryDelayMs(attempts: number, random: () => number): number {
  const whole = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts, 20));
  return Math.round(whole / 2 + (whole / 2) * random());
}
