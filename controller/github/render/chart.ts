/** The adoption curve as a Mermaid `xychart-beta` block, which GitHub draws. */

export interface CurvePoint {
  readonly atMs: number;
  /** 0–100 */
  readonly percent: number;
}

const POINTS = 25;
const HOUR_MS = 3_600_000;

/** The value that stood at `atMs`: the last sample not after it. */
function valueAt(samples: readonly CurvePoint[], atMs: number): number {
  return samples.findLast(s => s.atMs <= atMs)?.percent ?? samples[0]?.percent ?? 0;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/**
 * Adoption from `fromMs` to the last sample, and the exposure beside it; undefined while there is nothing to draw.
 * Evenly spaced: Mermaid knows no time axis.
 */
export function adoptionChart(
  samples: readonly CurvePoint[],
  exposureAt: (atMs: number) => number,
  fromMs: number,
): string | undefined {
  const toMs = samples.at(-1)?.atMs ?? fromMs;
  if (samples.length === 0 || toMs <= fromMs) return undefined;
  const moments = Array.from({ length: POINTS }, (_, i) => fromMs + ((toMs - fromMs) * i) / (POINTS - 1));
  const hours = Math.max(0.1, round((toMs - fromMs) / HOUR_MS));
  return [
    '```mermaid',
    'xychart-beta',
    '    title "Adoption and exposure, % of active devices"',
    `    x-axis "hours since the merge took effect" 0 --> ${hours}`,
    '    y-axis "%" 0 --> 100',
    `    line [${moments.map(ms => round(exposureAt(ms))).join(', ')}]`,
    `    bar [${moments.map(ms => round(valueAt(samples, ms))).join(', ')}]`,
    '```',
  ].join('\n');
}
