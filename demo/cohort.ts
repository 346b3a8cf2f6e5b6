/**
 * A second implementation of the cohort formula of SPEC §3, on purpose in another way, so that the demo does not take its
 * expectations from the code under test.
 */
import { createHash } from 'node:crypto';

/** Is `deviceId` among the first `percent` of buckets under this seed? */
export function exposed(deviceId: string, seed: string, percent: number): boolean {
  const digest = createHash('sha256');
  if (seed !== '') digest.update(seed).update(':');
  const h = BigInt(`0x${digest.update(deviceId).digest('hex').slice(0, 8)}`);
  const wholePercent = h % 100n;
  const hundredths = (h / 100n) % 100n;
  return Number(wholePercent) + Number(hundredths) / 100 < percent - 1e-9;
}
