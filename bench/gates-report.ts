/** The gate's figures as one Markdown table for each fleet size, as in docs/gates.md. */
import type { GateFigures, GateRow } from './gates.ts';

const percent = (share: number, digits = 1): string => {
  const text = (share * 100).toFixed(digits);
  return share > 0 && Number(text) === 0 ? `< ${10 ** -digits}` : text.replace(/\.0+$/, '');
};

const taken = ({ takenMedian, takenP95 }: GateRow): string =>
  takenMedian === undefined || takenP95 === undefined
    ? '–'
    : `${percent(takenMedian, 2)} / ${percent(takenP95, 2)}`;

const hours = ({ hoursMedian, hoursP95 }: GateRow): string =>
  hoursMedian === undefined || hoursP95 === undefined ? '–' : `${hoursMedian} / ${hoursP95}`;

const both = (a: GateRow, b: GateRow, cell: (row: GateRow) => string): string =>
  cell(a) === cell(b) ? cell(a) : `${cell(a)} · ${cell(b)}`;

const HEAD = [
  'the build',
  'runs',
  'halted %',
  'asked %',
  'went through %',
  'took it when stopped, % (median / p95)',
  'hours to 100 % (median / p95)',
];

const AIM = { true: 'met', false: '**missed**', undefined: '' } as const;

/** Each row twice: polled and nudged, with a dot between where they differ. */
export function renderGates({ rows, seconds }: GateFigures): string {
  const sizes = [...new Set(rows.map(r => r.devices))];
  const tables = sizes.map(devices => {
    const mine = rows.filter(r => r.devices === devices);
    const hasAims = mine.some(r => r.isMet !== undefined);
    const head = hasAims ? [...HEAD, 'aim'] : HEAD;
    const lines = [...new Set(mine.map(r => r.name))].map(name => {
      const [a, b] = mine.filter(r => r.name === name);
      return a === undefined || b === undefined ? [] : cells(a, b);
    });
    const table = [head, head.map(() => '---'), ...lines.map(line => line.slice(0, head.length))];
    const text = table.map(row => `| ${row.join(' | ')} |`).join('\n');
    return `${devices.toLocaleString('en')} devices\n\n${text}`;
  });
  return [`Gates (polled · nudged; seeds 1 to the number of runs; ${seconds} s)`, ...tables].join('\n\n');
}

function cells(a: GateRow, b: GateRow): string[] {
  const isMet = a.isMet === undefined || b.isMet === undefined ? undefined : a.isMet && b.isMet;
  return [
    a.name,
    String(a.runs),
    both(a, b, r => percent(r.halted)),
    both(a, b, r => percent(r.asked)),
    both(a, b, r => percent(r.done + r.open)),
    both(a, b, taken),
    both(a, b, hours),
    AIM[`${isMet}`],
  ];
}
