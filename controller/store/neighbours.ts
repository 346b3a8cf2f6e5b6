/**
 * Groups rows whose keys are near each other in the table, so that a transaction touches few pages instead of one per
 * row. The groups are in order, the rows within them are not: sorting them all would block the event loop.
 */

/** How many rows per group are sampled to find the borders between groups. */
const SAMPLES = 32;

/** Groups of about `size` rows, in the order of `keyOf` as JavaScript compares strings. No row is lost or doubled. */
export function neighbours<T>(rows: readonly T[], size: number, keyOf: (row: T) => string): T[][] {
  const groups = Math.ceil(rows.length / size);
  if (groups <= 1) return rows.length === 0 ? [] : [[...rows]];
  const step = Math.max(1, Math.floor(rows.length / (groups * SAMPLES)));
  const sample: string[] = [];
  for (const [at, row] of rows.entries()) if (at % step === 0) sample.push(keyOf(row));
  sample.sort((a, b) => (a < b ? -1 : 1));
  const starts = Array.from(
    { length: groups - 1 },
    (_, i) => sample[Math.floor(((i + 1) * sample.length) / groups)] ?? '',
  );
  const parted: T[][] = Array.from({ length: groups }, () => []);
  for (const row of rows) parted[groupOf(starts, keyOf(row))]?.push(row);
  return parted.filter(group => group.length > 0);
}

/** The number of ascending `starts` up to this key. */
function groupOf(starts: readonly string[], key: string): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? '') <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
