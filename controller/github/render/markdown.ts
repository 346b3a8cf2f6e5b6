/** Untrusted text in GitHub Markdown: shown literally, never as markup, mention, reference or command. */

/** Controls, line breaks and everything that reorders or hides text on a screen. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/** A code span, in which GitHub resolves nothing, on one line and at most `limit` characters; fit for a table cell. */
export function literal(text: string, limit = 200): string {
  const line = text.replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
  const cut = line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
  if (cut === '') return '(empty)';
  const longest = Math.max(0, ...[...cut.matchAll(/`+/g)].map(m => m[0].length));
  const fence = '`'.repeat(longest + 1);
  const pad = cut.startsWith('`') || cut.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${cut.replaceAll('|', '\\|')}${pad}${fence}`;
}

/** 1204 → `1,204` */
export const countOf = (n: number): string => n.toLocaleString('en-US');

/** At most one decimal, `0.8 %`. A small part never rounds to 0 %, an incomplete one never to 100 %. */
export function shareOf(part: number, whole: number): string {
  if (whole === 0) return '–';
  const percent = (100 * part) / whole;
  const rounded = Math.round(percent * 10) / 10;
  if (rounded === 0 && part > 0) return '< 0.1 %';
  if (rounded === 100 && part < whole) return '> 99.9 %';
  return `${rounded} %`;
}

/** `2026-11-20 09:00 UTC`: one zone for all readers. */
export const momentOf = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export const shortSha = (sha: string): string => sha.slice(0, 12);

/** A table of ready Markdown cells; the first column is text, the others are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Folded away until a reader opens it. */
export const folded = (summary: string, body: string): string =>
  `<details>\n<summary>${summary}</summary>\n\n${body}\n\n</details>`;

/** Joins paragraphs with empty lines and skips absent ones. */
export const paragraphs = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part): part is string => part !== undefined && part !== '').join('\n\n');
