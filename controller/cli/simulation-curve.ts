/** A rollout over time, drawn with characters: how far it was open, and how much of the fleet took the build. */

export interface CurvePoint {
  readonly hour: number;
  /** Percent of the fleet. */
  readonly exposed: number;
  readonly taken: number;
}

const WIDTH = 64;
const HEIGHT = 10;
const EIGHTHS = ' ▁▂▃▄▅▆▇█';

/** Filled: took it. Line: exposed. The scale ends at the widest exposure, so that a halt at 1 % can be seen. */
export function drawCurve(points: readonly CurvePoint[]): string {
  const last = points.at(-1);
  if (last === undefined) return '';
  const top = topOf(Math.max(...points.map(p => Math.max(p.exposed, p.taken))));
  const columns = sample(points);
  const lines = Array.from({ length: HEIGHT }, (_, i) => {
    const row = HEIGHT - 1 - i;
    const label = i === 0 ? `${top} %` : '';
    return `${label.padStart(7)} │${columns.map(p => cell(p, row, top)).join('')}`.trimEnd();
  });
  const end = `${last.hour} h`;
  const axis = `${'0 %'.padStart(7)} └${'─'.repeat(columns.length)}`;
  const hours = `${' '.repeat(9)}0${end.padStart(columns.length - 1)}`;
  return `${[...lines, axis, hours].join('\n')}\n`;
}

const topOf = (percent: number): number => [1, 2, 5, 10, 25, 50].find(step => percent <= step) ?? 100;

/** One point a column; a short rollout is stretched. */
const sample = (points: readonly CurvePoint[]): CurvePoint[] =>
  Array.from({ length: WIDTH }, (_, i) => points[Math.ceil(((i + 1) * points.length) / WIDTH) - 1]).filter(
    point => point !== undefined,
  );

function cell({ exposed, taken }: CurvePoint, row: number, top: number): string {
  const eighths = Math.round((taken / top) * HEIGHT * 8) - row * 8;
  const line = Math.max(0, Math.ceil((exposed / top) * HEIGHT) - 1);
  const filled = EIGHTHS[Math.max(0, Math.min(8, eighths))] ?? ' ';
  return filled === ' ' && exposed > 0 && row === line ? '─' : filled;
}
