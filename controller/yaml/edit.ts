/**
 * Edits of `rollout.yaml` that leave comments, order, quotes and columns as its author wrote them. Pure: text in, text
 * out. The Document API of `yaml` finds the places; only the bytes of the changed keys are replaced.
 */
import { isMap, isScalar, type Pair, parseDocument, Scalar, stringify, visit } from 'yaml';
import { Fault } from '../domain/fault.ts';

/** The keys of `rollout.yaml` in the order of SPEC §2, which decides where a missing key is inserted. */
const ROLLOUT_KEYS = [
  'apiVersion',
  'kind',
  'current',
  'last_safe',
  'rollout_percent',
  'ramp',
  'cohort_seed',
  'canary',
  'rollback',
  'force_downgrade',
  'must_install',
  'deadline',
  'wifi_only',
  'min_battery_percent',
  'suspend',
  'reason',
] as const;
export type RolloutKey = (typeof ROLLOUT_KEYS)[number];

/** New values of single keys; `undefined` takes the key away. */
export type RolloutFields = { readonly [key in RolloutKey]?: string | number | boolean | undefined };

/**
 * The text with these keys changed. The result is read back and compared: what could not be spliced (a file in
 * flow style, a value shared by an alias) is written by the Document API instead, which keeps comments but may move spaces.
 * Fault `edit_impossible` when the text is not one YAML mapping.
 */
export function editRollout(text: string, fields: RolloutFields): string {
  const wanted = expected(text, fields);
  let edited: string | undefined = text;
  for (const key of ROLLOUT_KEYS)
    if (key in fields && edited !== undefined) edited = spliceKey(edited, key, fields[key]);
  if (edited !== undefined && says(edited, wanted)) return edited;
  const rewritten = rewrite(text, fields);
  if (!says(rewritten, wanted))
    throw impossible('the edited text does not read back as intended; edit it by hand');
  return rewritten;
}

const RANKS: readonly string[] = ROLLOUT_KEYS;

const impossible = (why: string): Fault =>
  new Fault('edit_impossible', `rollout.yaml cannot be edited: ${why}`, { retry: 'never' });

function expected(text: string, fields: RolloutFields): Record<string, unknown> {
  const document = parseDocument(text);
  const first = document.errors[0];
  if (first !== undefined) throw impossible(first.message.split('\n')[0] ?? 'it is not YAML');
  if (!isMap(document.contents)) throw impossible('it is not a mapping of keys');
  const values = document.toJS() as Record<string, unknown>;
  for (const key of ROLLOUT_KEYS) {
    if (!(key in fields)) continue;
    if (fields[key] === undefined) delete values[key];
    else values[key] = fields[key];
  }
  return values;
}

const sorted = (value: Record<string, unknown>): string =>
  JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

function says(text: string, wanted: Record<string, unknown>): boolean {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return false;
  return sorted(document.toJS() as Record<string, unknown>) === sorted(wanted);
}

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '');
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;
const lineEnd = (text: string, offset: number): number => {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
};

/** One key changed in place; undefined when this layout cannot be spliced. */
function spliceKey(text: string, key: RolloutKey, value: RolloutFields[RolloutKey]): string | undefined {
  const { contents } = parseDocument(text);
  if (!isMap(contents) || contents.flow === true) return undefined;
  const pairs = contents.items as Pair[];
  const pair = pairs.find(p => keyOf(p) === key);
  if (pair === undefined) return value === undefined ? text : insertKey(text, pairs, key, value);
  if (isScalar(pair.value) && pair.value.value === value) return text;
  const place = placeOf(pair);
  if (place === undefined) return undefined;
  return value === undefined ? removeKey(text, place) : replaceValue(text, pair, place, value);
}

interface Place {
  readonly keyStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

function placeOf(pair: Pair): Place | undefined {
  const keyRange = isScalar(pair.key) ? pair.key.range : undefined;
  const valueRange = (pair.value as { range?: [number, number, number] | null } | null)?.range;
  if (!keyRange || !valueRange) return undefined;
  return { keyStart: keyRange[0], valueStart: valueRange[0], valueEnd: valueRange[1] };
}

/** The key's lines, with the comment beside it and comments indented under it; comments above it stay. */
function removeKey(text: string, place: Place): string {
  const from = lineStart(text, place.keyStart);
  const lastByte = Math.max(place.keyStart, place.valueEnd - 1);
  let to = lineEnd(text, lastByte);
  while (/^[ \t]+#/.test(text.slice(to, lineEnd(text, to)))) to = lineEnd(text, to);
  return text.slice(0, from) + text.slice(to);
}

function replaceValue(text: string, pair: Pair, place: Place, value: string | number | boolean): string {
  const old = text.slice(place.valueStart, place.valueEnd);
  let fresh = render(value, isScalar(pair.value) ? pair.value.type : undefined);
  if (text[place.valueStart - 1] === ':') fresh = ` ${fresh}`;
  if (old.endsWith('\n')) fresh += old.endsWith('\r\n') ? '\r\n' : '\n';
  const after = text.slice(place.valueEnd);
  // A comment further along the line keeps its column where there is room.
  const gap = /^( +)#/.exec(after)?.[1]?.length;
  const padded = gap === undefined ? after : after.slice(gap);
  const room = gap === undefined ? 0 : Math.max(1, gap - (fresh.length - old.length));
  return text.slice(0, place.valueStart) + fresh + ' '.repeat(room) + padded;
}

function insertKey(
  text: string,
  pairs: Pair[],
  key: RolloutKey,
  value: string | number | boolean,
): string | undefined {
  const rank = ROLLOUT_KEYS.indexOf(key);
  const before = pairs.findLast(p => {
    const other = RANKS.indexOf(keyOf(p));
    return other !== -1 && other < rank;
  });
  const place = before === undefined ? undefined : placeOf(before);
  if (place === undefined) return undefined;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const indent = text.slice(lineStart(text, place.keyStart), place.keyStart);
  if (indent.trim() !== '') return undefined;
  let at = lineEnd(text, Math.max(place.keyStart, place.valueEnd - 1));
  while (/^[ \t]+#/.test(text.slice(at, lineEnd(text, at)))) at = lineEnd(text, at);
  const head = text.slice(0, at);
  const opened = head === '' || head.endsWith('\n') ? head : head + newline;
  return `${opened}${indent}${key}: ${render(value, undefined)}${newline}${text.slice(at)}`;
}

/** One line of YAML for a scalar, in the quotes the old value had. */
function render(value: string | number | boolean, style: Scalar.Type | undefined | null): string {
  if (typeof value !== 'string') return String(value);
  if (style === Scalar.QUOTE_DOUBLE || /[\r\n]/.test(value)) return JSON.stringify(value);
  if (style === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`;
  const plain = stringify(value, { lineWidth: 0 }).trimEnd();
  return plain.includes('\n') ? JSON.stringify(value) : plain;
}

function rewrite(text: string, fields: RolloutFields): string {
  const document = parseDocument(text);
  visit(document, { Alias: (_key, alias) => document.createNode(alias.toJS(document)) });
  for (const key of ROLLOUT_KEYS) {
    if (!(key in fields)) continue;
    if (fields[key] === undefined) document.delete(key);
    else document.set(key, fields[key]);
  }
  return document.toString({ lineWidth: 0 });
}
