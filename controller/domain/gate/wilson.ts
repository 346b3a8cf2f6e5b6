/** Wilson's score interval: how large a share may really be, given a sample of it. */

/** Two-sided 95 %. */
const Z = 1.959964;

/** The upper end of the 95 % interval for `x` of `n`; 1 when there is no sample. */
export function wilsonUpper(x: number, n: number): number {
  if (n <= 0) return 1;
  const share = x / n;
  const centre = share + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  return Math.min(1, Math.max(share, (centre + spread) / (1 + (Z * Z) / n)));
}
