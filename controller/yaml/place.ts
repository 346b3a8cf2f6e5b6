/** Finds the line and column of a path in the data. Both count from 1. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export type DataPath = readonly (string | number)[];

/** Places in one file. A missing path gets the place of its nearest existing parent. */
export interface Places {
  /** Where the value is. */
  value(path: DataPath): Place;
  /** Where the key of the last step is. */
  key(path: DataPath): Place;
  /** The value as its author wrote it, if it is a scalar. */
  source(path: DataPath): string | undefined;
}

const TOP: Place = { line: 1, column: 1 };

/** For files that cannot be read at all. */
export const NO_PLACES: Places = { value: () => TOP, key: () => TOP, source: () => undefined };

export function placeOf(counter: LineCounter, offset: number): Place {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

const keyText = (pair: Pair): string | undefined => (isScalar(pair.key) ? String(pair.key.value) : undefined);

/** Follows the path as far as it exists; returns the last node and its key. */
function walk(doc: Document, path: DataPath): { node: Node | null; key: Node | undefined; whole: boolean } {
  let node: Node | null = doc.contents;
  let key: Node | undefined;
  for (const step of path) {
    const inner = isAlias(node) ? node.resolve(doc) : node;
    if (isMap(inner)) {
      const pair = inner.items.find(p => keyText(p) === String(step));
      if (pair === undefined) return { node, key, whole: false };
      key = isNode(pair.key) ? pair.key : undefined;
      node = isNode(pair.value) ? pair.value : (key ?? node);
    } else if (isSeq(inner) && typeof step === 'number' && isNode(inner.items[step])) {
      key = undefined;
      node = inner.items[step];
    } else {
      return { node, key, whole: false };
    }
  }
  return { node, key, whole: true };
}

export function placesIn(doc: Document, counter: LineCounter): Places {
  const at = (node: Node | null | undefined): Place => {
    const offset = node?.range?.[0];
    return offset === undefined ? TOP : placeOf(counter, offset);
  };
  return {
    value: path => {
      const { node, key } = walk(doc, path);
      const empty = isScalar(node) && node.source === '' && key !== undefined;
      return at(empty ? key : node);
    },
    key: path => {
      const { node, key, whole } = walk(doc, path);
      return at(whole && key !== undefined ? key : node);
    },
    source: path => {
      const { node, whole } = walk(doc, path);
      return whole && isScalar(node) && typeof node.source === 'string' ? node.source : undefined;
    },
  };
}
