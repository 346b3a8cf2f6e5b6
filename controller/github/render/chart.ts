/** The adoption curve as a Mermaid `xychart-beta` block, which GitHub draws. */
import { HOUR_MS } from '../../domain/duration.ts';

export interface CurvePoint {
  readonly atMs: number;
  /** 0–100 */
  readonly percent: number;
}

const POINTS = 25;

/** The value at `atMs`: that of the last sample up to then. */
function valueAt(samples: readonly CurvePoint[], atMs: number): number {
  return samples.findLast(s => s.atMs <= atMs)?.percent ?? samples[0]?.percent ?? 0;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Colours that are visible on GitHub's light and dark pages, in the order of the series. */
const BARS = '#58a6ff';
const LINE = '#d4640b';
const AXES = '#7d8590';
const THEME = JSON.stringify({
  theme: 'base',
  xyChart: { width: 760, height: 260 },
  themeVariables: {
    xyChart: {
      backgroundColor: 'transparent',
      plotColorPalette: `${BARS}, ${LINE}`,
      ...Object.fromEntries(
        ['titleColor', 'xAxisTitleColor', 'xAxisLabelColor', 'xAxisTickColor', 'xAxisLineColor'].map(k => [
          k,
          AXES,
        ]),
      ),
      ...Object.fromEntries(
        ['yAxisTitleColor', 'yAxisLabelColor', 'yAxisTickColor', 'yAxisLineColor'].map(k => [k, AXES]),
      ),
    },
  },
});

const TOPS = [1, 2, 3, 5, 8, 12, 20, 30, 40, 60, 80, 100];

/** The y-axis ends a little above the highest value, so that a rollout at 1 % is not a flat line at the bottom. */
const topOf = (values: readonly number[]): number => {
  const most = Math.max(...values);
  return TOPS.find(top => top >= most * 1.1) ?? 100;
};

/**
 * Adoption and exposure from `fromMs` to the last sample; undefined while there is nothing to draw. Evenly spaced, because
 * Mermaid has no time axis. It has no legend either, so the line below the chart explains the colours.
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
  const adoption = moments.map(ms => round(valueAt(samples, ms)));
  const exposure = moments.map(ms => round(exposureAt(ms)));
  return [
    '```mermaid',
    `%%{init: ${THEME}}%%`,
    'xychart-beta',
    `    x-axis "hours since the merge took effect" 0 --> ${hours}`,
    `    y-axis "% of active devices" 0 --> ${topOf([...adoption, ...exposure])}`,
    `    bar [${adoption.join(', ')}]`,
    `    line [${exposure.join(', ')}]`,
    '```',
    '',
    `🟦 run it: **${adoption.at(-1) ?? 0} %** of active devices · 🟧 exposed to it: **${exposure.at(-1) ?? 0} %**`,
  ].join('\n');
}
