/** Wilson's score interval: how large a share may really be, given a sample of it. */

/** Two-sided 95 %. */
const Z = 1.959964;
/** One-sided 99 %. */
const Z_99 = 2.326348;

/** The upper end of the 95 % interval for `x` of `n`; 1 without a sample. */
export function wilsonUpper(x: number, n: number): number {
  if (n <= 0) return 1;
  const share = x / n;
  const centre = share + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  return Math.min(1, Math.max(share, (centre + spread) / (1 + (Z * Z) / n)));
}

/** The lower bound of the true share with 99 % certainty, for `x` of `n`; 0 without a sample. */
export function wilsonLower99(x: number, n: number): number {
  if (n <= 0) return 0;
  const share = x / n;
  const centre = share + (Z_99 * Z_99) / (2 * n);
  const spread = Z_99 * Math.sqrt((share * (1 - share)) / n + (Z_99 * Z_99) / (4 * n * n));
  return Math.max(0, (centre - spread) / (1 + (Z_99 * Z_99) / n));
}
