/** Draws adoption over time with characters: the exposure of a build, and the share of the fleet that took it. */

export interface CurvePoint {
  /** Percent of the fleet. */
  readonly exposed: number;
  readonly taken: number;
}

interface CurveSize {
  /** Columns and rows of the plot, without its labels. */
  readonly width: number;
  readonly height: number;
}

/** Columns to the left of the plot. */
export const LABEL_WIDTH = 9;
const WHOLE: CurveSize = { width: 64, height: 10 };
const EIGHTHS = ' ▁▂▃▄▅▆▇█';

/**
 * The filled area is the share that took the build, the line is the exposure. The scale ends at the largest exposure, so
 * that a halt at 1 % is visible. `from` and `to` label the two ends of the time axis.
 */
export function drawCurve(
  points: readonly CurvePoint[],
  [from, to]: readonly [from: string, to: string],
  { width, height }: CurveSize = WHOLE,
): string {
  if (points.length === 0) return '';
  const top = topOf(Math.max(...points.map(p => Math.max(p.exposed, p.taken))));
  const columns = sample(points, width);
  const lines = Array.from({ length: height }, (_, i) => {
    const label = i === 0 ? `${top} %` : '';
    return `${label.padStart(7)} │${columns.map(p => cell(p, height - 1 - i, top, height)).join('')}`.trimEnd();
  });
  const axis = `${'0 %'.padStart(7)} └${'─'.repeat(columns.length)}`;
  const times = `${' '.repeat(LABEL_WIDTH)}${from}${to.padStart(columns.length - from.length)}`;
  return `${[...lines, axis, times].join('\n')}\n`;
}

const topOf = (percent: number): number => [1, 2, 5, 10, 25, 50].find(step => percent <= step) ?? 100;

/** One point a column; a short rollout is stretched. */
const sample = (points: readonly CurvePoint[], width: number): CurvePoint[] =>
  Array.from({ length: width }, (_, i) => points[Math.ceil(((i + 1) * points.length) / width) - 1]).filter(
    point => point !== undefined,
  );

function cell({ exposed, taken }: CurvePoint, row: number, top: number, height: number): string {
  const eighths = Math.round((taken / top) * height * 8) - row * 8;
  const line = Math.max(0, Math.ceil((exposed / top) * height) - 1);
  const filled = EIGHTHS[Math.max(0, Math.min(8, eighths))] ?? ' ';
  return filled === ' ' && exposed > 0 && row === line ? '─' : filled;
}
