/** YAML text of single values, as they are spliced into a file that somebody else laid out. Pure. */
import { Scalar, stringify } from 'yaml';
import { isMap, type YamlValue } from './difference.ts';

const isScalar = (value: YamlValue): value is string | number | boolean | null =>
  value === null || typeof value !== 'object';

/** One line for a scalar, in the quotes that the old value had. */
export function renderScalar(
  value: string | number | boolean | null,
  style?: Scalar.Type | undefined | null,
): string {
  if (typeof value !== 'string') return String(value);
  if (style === Scalar.QUOTE_DOUBLE || /[\r\n]/.test(value)) return JSON.stringify(value);
  if (style === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`;
  const plain = stringify(value, { lineWidth: 0 }).trimEnd();
  return plain.includes('\n') ? JSON.stringify(value) : plain;
}

/** One line for any value, good inside `[]` and `{}` too. */
export function renderFlow(value: YamlValue): string {
  if (isScalar(value)) {
    const plain = renderScalar(value);
    return typeof value === 'string' && /[,[\]{}]/.test(plain) && !/^["']/.test(plain)
      ? JSON.stringify(value)
      : plain;
  }
  if (!isMap(value)) return `[${value.map(renderFlow).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, part]) => `${key}: ${renderFlow(part)}`)
    .join(', ')}}`;
}

/** `key: value` with its further lines, the first not indented: maps as blocks, lists of maps one line an item. */
export function renderPair(key: string, value: YamlValue, indent: string, newline: string): string {
  if (isScalar(value)) return `${key}: ${renderScalar(value)}`;
  const inner = `${indent}  `;
  if (isMap(value)) {
    const pairs = Object.entries(value);
    if (pairs.length === 0) return `${key}: {}`;
    const lines = pairs.map(([name, part]) => inner + renderPair(name, part, inner, newline));
    return [`${key}:`, ...lines].join(newline);
  }
  if (!value.some(isMap)) return `${key}: ${renderFlow(value)}`;
  return [`${key}:`, ...value.map(item => `${inner}- ${renderFlow(item)}`)].join(newline);
}
