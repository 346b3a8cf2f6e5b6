/**
 * Makes one step of an edit in the text itself and replaces only the bytes of the value. The Document API of `yaml` finds
 * the places. Pure; undefined if the layout cannot be spliced. The caller must parse the result and check it.
 */
import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type Path, rankIn, type Step, type YamlValue } from './difference.ts';
import { renderFlow, renderPair, renderScalar } from './render.ts';

export function splice(text: string, step: Step): string | undefined {
  const { contents } = parseDocument(text);
  if (step.kind === 'insert') {
    const map = nodeAt(contents, step.path);
    if (!isMap(map)) return undefined;
    return map.flow === true
      ? addToFlow(text, map, `${step.key}: ${renderFlow(step.value)}`)
      : insertPair(text, map, step);
  }
  if (step.kind === 'append') {
    const list = nodeAt(contents, step.path);
    if (!isSeq(list)) return undefined;
    return list.flow === true
      ? addToFlow(text, list, renderFlow(step.value))
      : appendItem(text, list, step.value);
  }
  const parent = nodeAt(contents, step.path.slice(0, -1));
  const last = step.path.at(-1);
  if (isMap(parent)) {
    const pair = (parent.items as Pair[]).find(p => keyOf(p) === last);
    if (pair === undefined) return undefined;
    return step.kind === 'remove'
      ? removePair(text, parent, pair)
      : replacePair(text, parent, pair, step.value);
  }
  if (!isSeq(parent) || typeof last !== 'number') return undefined;
  return step.kind === 'remove'
    ? removeItem(text, parent, last)
    : replaceItem(text, parent.items[last] as Node | undefined, step.value);
}

function nodeAt(contents: unknown, path: Path): unknown {
  let node = contents;
  for (const part of path) {
    if (isMap(node)) node = (node.items as Pair[]).find(p => keyOf(p) === part)?.value;
    else if (isSeq(node) && typeof part === 'number') node = node.items[part];
    else return undefined;
  }
  return node;
}

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '');
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;
const lineEnd = (text: string, offset: number): number => {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
};
const newlineOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');
/** The offset after a line and the comments that are indented under it. */
function endWithComments(text: string, lastByte: number, indent: string): number {
  let end = lineEnd(text, lastByte);
  const isUnder = (line: string): boolean => /^[ \t]+#/.test(line) && line.search(/#/) > indent.length;
  while (isUnder(text.slice(end, lineEnd(text, end)))) end = lineEnd(text, end);
  return end;
}

interface Place {
  readonly start: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

const rangeOf = (node: unknown): readonly [number, number, number] | undefined =>
  (node as { range?: [number, number, number] | null } | null | undefined)?.range ?? undefined;

function placeOf(item: unknown): Place | undefined {
  const pair = item as Pair;
  const isPair = typeof item === 'object' && item !== null && 'key' in item;
  const first = rangeOf(isPair ? pair.key : item);
  const value = rangeOf(isPair ? (pair.value ?? pair.key) : item);
  return first && value && { start: first[0], valueStart: value[0], valueEnd: value[1] };
}

/** The text before a key on its line if it is only whitespace. */
function indentOf(text: string, place: Place): string | undefined {
  const before = text.slice(lineStart(text, place.start), place.start);
  return before.trim() === '' ? before : undefined;
}

const lastByteOf = (place: Place): number => Math.max(place.start, place.valueEnd - 1);

/** Removes the key's lines, the comment on the same line and comments indented under it. Comments above it stay. */
function removePair(text: string, map: YAMLMap, pair: Pair): string | undefined {
  if (map.flow === true) return cutFromFlow(text, map.items, map.items.indexOf(pair as never));
  const place = placeOf(pair);
  const indent = place && indentOf(text, place);
  if (place === undefined || indent === undefined) return undefined;
  return (
    text.slice(0, lineStart(text, place.start)) + text.slice(endWithComments(text, lastByteOf(place), indent))
  );
}

function replacePair(text: string, map: YAMLMap, pair: Pair, value: YamlValue): string | undefined {
  const place = placeOf(pair);
  if (place === undefined || pair.value === null) return undefined;
  const old = pair.value;
  const inLine = isScalar(old) || (old as { flow?: boolean }).flow === true;
  if (map.flow === true)
    return text.slice(0, place.valueStart) + renderFlow(value) + text.slice(place.valueEnd);
  // A block is removed as a whole. The next step inserts the new value in its place.
  if (!inLine || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    return removePair(text, map, pair);
  if (Array.isArray(value) && value.some(item => typeof item === 'object'))
    return removePair(text, map, pair);
  const fresh =
    typeof value === 'object' && value !== null
      ? renderFlow(value)
      : renderScalar(value, isScalar(old) ? old.type : undefined);
  return replaceInLine(text, place, fresh);
}

function replaceItem(text: string, item: Node | undefined, value: YamlValue): string | undefined {
  const place = placeOf(item);
  const inLine = isScalar(item) || (item as { flow?: boolean } | undefined)?.flow === true;
  return place === undefined || !inLine ? undefined : replaceInLine(text, place, renderFlow(value));
}

function replaceInLine(text: string, place: Place, value: string): string {
  const old = text.slice(place.valueStart, place.valueEnd);
  let fresh = text[place.valueStart - 1] === ':' ? ` ${value}` : value;
  if (old.endsWith('\n')) fresh += old.endsWith('\r\n') ? '\r\n' : '\n';
  const after = text.slice(place.valueEnd);
  // A comment later on the line keeps its column if there is room.
  const gap = /^( +)#/.exec(after)?.[1]?.length;
  const padded = gap === undefined ? after : after.slice(gap);
  const room = gap === undefined ? 0 : Math.max(1, gap - (fresh.length - old.length));
  return text.slice(0, place.valueStart) + fresh + ' '.repeat(room) + padded;
}

function insertPair(text: string, map: YAMLMap, step: Step & { kind: 'insert' }): string | undefined {
  const pairs = map.items as Pair[];
  const rank = rankIn(step.order, step.key);
  const before = pairs.findLast(p => step.order.includes(keyOf(p)) && rankIn(step.order, keyOf(p)) < rank);
  const place = placeOf(before ?? pairs[0]);
  const indent = place && indentOf(text, place);
  if (place === undefined || indent === undefined) return undefined;
  const newline = newlineOf(text);
  const at =
    before === undefined ? lineStart(text, place.start) : endWithComments(text, lastByteOf(place), indent);
  const head = text.slice(0, at);
  const opened = head === '' || head.endsWith('\n') ? head : head + newline;
  return `${opened}${indent}${renderPair(step.key, step.value, indent, newline)}${newline}${text.slice(at)}`;
}

function appendItem(text: string, list: YAMLSeq, value: YamlValue): string | undefined {
  const place = placeOf(list.items.at(-1));
  if (place === undefined) return undefined;
  const dash = /^([ \t]*)-[ \t]+$/.exec(text.slice(lineStart(text, place.start), place.start));
  if (dash === null) return undefined;
  const newline = newlineOf(text);
  const at = lineEnd(text, lastByteOf(place));
  const head = text.slice(0, at);
  const opened = head.endsWith('\n') ? head : head + newline;
  return `${opened}${dash[0]}${renderFlow(value)}${newline}${text.slice(at)}`;
}

function removeItem(text: string, list: YAMLSeq, index: number): string | undefined {
  if (list.flow === true) return cutFromFlow(text, list.items, index);
  const place = placeOf(list.items[index]);
  if (place === undefined) return undefined;
  const from = lineStart(text, place.start);
  const dash = /^([ \t]*)-[ \t]+$/.exec(text.slice(from, place.start));
  if (dash === null) return undefined;
  return text.slice(0, from) + text.slice(endWithComments(text, lastByteOf(place), dash[1] ?? ''));
}

/** `fresh` becomes the last entry of `[…]` or `{…}`. */
function addToFlow(text: string, flow: YAMLMap | YAMLSeq, fresh: string): string | undefined {
  const range = rangeOf(flow);
  if (range === undefined) return undefined;
  const last = placeOf(flow.items.at(-1));
  if (last === undefined) return `${text.slice(0, range[0] + 1)}${fresh}${text.slice(range[1] - 1)}`;
  return `${text.slice(0, last.valueEnd)}, ${fresh}${text.slice(last.valueEnd)}`;
}

function cutFromFlow(text: string, items: readonly unknown[], index: number): string | undefined {
  const [before, place, after] = [items[index - 1], items[index], items[index + 1]].map(placeOf);
  if (place === undefined) return undefined;
  if (after !== undefined) return text.slice(0, place.start) + text.slice(after.start);
  return text.slice(0, before?.valueEnd ?? place.start) + text.slice(place.valueEnd);
}
