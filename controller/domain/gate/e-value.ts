/**
 * Evidence that a rate is above its limit, as an e-value: a bet against "the true rate is at most p0" that starts at 1.
 * If that is true, the chance that it ever reaches 20 is at most 5 %, however often one looks (Ville's inequality).
 * Fixed-sample bounds such as Wilson's or Clopper and Pearson's have no such guarantee under hourly looks.
 *
 * The guarantee needs `n` to count every device that took the build. Failures are reported at once and successes hours
 * later, so counting only judged devices would make every good build look bad at first.
 */

/** The alternatives to bet on, as multiples of the odds of the limit. */
const ODDS = [2, 4, 10, 25] as const;
const LARGEST_RATE = 0.97;

/**
 * The natural logarithm of the e-value for `x` of `n` devices against a limit `p0` in (0, 1).
 * At most 0 while the observed share is not above the limit. It costs the same for any `n`.
 */
export function lnEValue(x: number, n: number, p0: number): number {
  if (!(x >= 0 && x <= n && p0 > 0 && p0 < 1))
    throw new Error(`assertion: no e-value of ${x} in ${n} against ${p0}`);
  if (n === 0) return 0;
  const terms: number[] = [];
  for (const k of ODDS) {
    const p = Math.min(LARGEST_RATE, (k * p0) / (1 - p0 + k * p0));
    if (p > p0) terms.push(x * Math.log(p / p0) + (n - x) * Math.log((1 - p) / (1 - p0)));
  }
  if (terms.length === 0) return 0;
  return lnMean(terms);
}

/** `ln(mean(exp(t)))` without overflow. */
function lnMean(terms: readonly number[]): number {
  const top = Math.max(...terms);
  const sum = terms.reduce((total, t) => total + Math.exp(t - top), 0);
  return top + Math.log(sum / terms.length);
}

/** For people and tests: the e-value itself; `Infinity` beyond what a double holds. */
export const eValue = (x: number, n: number, p0: number): number => Math.exp(lnEValue(x, n, p0));
