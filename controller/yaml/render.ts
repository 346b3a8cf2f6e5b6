/** Renders single values as YAML text that can be spliced into a file of any layout. Pure. */
import { Scalar, stringify } from 'yaml';
import { isMap, type YamlValue } from './difference.ts';

const isScalar = (value: YamlValue): value is string | number | boolean | null =>
  value === null || typeof value !== 'object';

/** One line for a scalar, in the same quotes as the old value. */
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

/** One line for any value; also valid inside `[]` and `{}`. */
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

/** `key: value`, possibly on several lines; the first is not indented. Maps are blocks; lists of maps have one line per item. */
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
