/** A small line chart as SVG: logarithmic axes, a legend, colours that can be told apart on white and on dark pages. */

export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly log: boolean;
  readonly ticks: readonly (readonly [at: number, label: string])[];
}

const WIDTH = 760;
const HEIGHT = 400;
const BOX = { left: 64, right: 32, top: 14, bottom: 48 };
const LEGEND_HEIGHT = 22;

/** Where `value` lies on an axis of `length` pixels. */
function place({ from, to, log }: Axis, value: number, length: number): number {
  const inside = Math.min(to, Math.max(from, value));
  const share = log ? Math.log(inside / from) / Math.log(to / from) : (inside - from) / (to - from);
  return share * length;
}

const near = (value: number): string => String(Math.round(value * 10) / 10);
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);

export function plot(title: string, x: Axis, y: Axis, lines: readonly Line[]): string {
  const legendRows = Math.ceil(lines.length / 2);
  const height = HEIGHT + legendRows * LEGEND_HEIGHT;
  const plotWidth = WIDTH - BOX.left - BOX.right;
  const plotHeight = HEIGHT - BOX.top - BOX.bottom;
  const atX = (value: number): number => BOX.left + place(x, value, plotWidth);
  const atY = (value: number): number => BOX.top + plotHeight - place(y, value, plotHeight);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...y.ticks.map(
      ([at, label]) =>
        `<line x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${near(atY(at))}" y2="${near(atY(at))}" stroke="#dddddd"/>` +
        `<text x="${BOX.left - 8}" y="${near(atY(at) + 4)}" text-anchor="end" fill="#333333">${escaped(label)}</text>`,
    ),
    ...x.ticks.map(
      ([at, label]) =>
        `<line x1="${near(atX(at))}" x2="${near(atX(at))}" y1="${BOX.top + plotHeight}" y2="${BOX.top + plotHeight + 5}" stroke="#333333"/>` +
        `<text x="${near(atX(at))}" y="${BOX.top + plotHeight + 20}" text-anchor="middle" fill="#333333">${escaped(label)}</text>`,
    ),
    `<path d="M${BOX.left} ${BOX.top}V${BOX.top + plotHeight}H${WIDTH - BOX.right}" fill="none" stroke="#333333"/>`,
    `<text x="${BOX.left + plotWidth / 2}" y="${HEIGHT - 8}" text-anchor="middle" fill="#333333">${escaped(x.title)}</text>`,
    `<text transform="translate(16 ${BOX.top + plotHeight / 2}) rotate(-90)" text-anchor="middle" fill="#333333">${escaped(y.title)}</text>`,
    ...lines.map(line => drawn(line, atX, atY)),
    ...lines.map((line, i) => legend(line, i, HEIGHT)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

const stroke = ({ colour, dashed }: Line): string =>
  `stroke="${colour}" stroke-width="2.5"${dashed === true ? ' stroke-dasharray="6 4"' : ''}`;

function drawn(line: Line, atX: (x: number) => number, atY: (y: number) => number): string {
  const points = line.points.map(([px, py]) => `${near(atX(px))},${near(atY(py))}`).join(' ');
  const [endX, endY] = line.points.at(-1) ?? [0, 0];
  return (
    `<polyline points="${points}" fill="none" stroke-linejoin="round" ${stroke(line)}/>` +
    `<circle cx="${near(atX(endX))}" cy="${near(atY(endY))}" r="4" fill="${line.colour}"/>`
  );
}

function legend(line: Line, index: number, top: number): string {
  const x = BOX.left + (index % 2) * 340;
  const y = top + Math.floor(index / 2) * LEGEND_HEIGHT + 8;
  return (
    `<line x1="${x}" x2="${x + 28}" y1="${y}" y2="${y}" ${stroke(line)}/>` +
    `<text x="${x + 36}" y="${y + 4}" fill="#333333">${escaped(line.name)}</text>`
  );
}
