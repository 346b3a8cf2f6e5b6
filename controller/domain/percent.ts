/** A percentage as people type it. */

/** 0–100 with at most two decimals, `%` allowed. A sentence when it is none. */
export function readPercent(text: string): number | string {
  const bare = text.trim().replace(/\s*%$/, '');
  if (/^\d{1,3}\.\d{3,}$/.test(bare)) return 'Use at most two decimals: there are 10,000 buckets.';
  const value = Number(bare);
  return /^\d{1,3}(\.\d{1,2})?$/.test(bare) && value <= 100
    ? value
    : 'Expected a percentage from 0 to 100, like 10 or 2.5.';
}
