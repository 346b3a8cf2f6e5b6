/** Aligns columns. Colour codes count as no width. */
import { stripVTControlCharacters } from 'node:util';

const width = (text: string): number => [...stripVTControlCharacters(text)].length;

/** Puts two spaces between columns and none at the end of a line. `right` lists the right-aligned columns. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const columns = Math.max(0, ...rows.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map(row => width(row[i] ?? ''))));
  const pad = (cell: string, i: number): string => {
    const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
    return right.includes(i) ? gap + cell : cell + gap;
  };
  return rows.map(row => `${row.map(pad).join('  ').trimEnd()}\n`).join('');
}
