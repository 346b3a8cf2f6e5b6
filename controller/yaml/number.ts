/** Finds numbers that YAML 1.2 (used here) and YAML 1.1 (used by other tools) read as different values. */
import { type Document, isPair, isScalar, isSeq, visit } from 'yaml';
import type { DataPath } from './place.ts';

export interface AmbiguousNumber {
  readonly path: DataPath;
  readonly source: string;
  readonly value: number;
}

/** In YAML 1.1 `010` is 8 and here it is 10; `0o12` and `1e1` are text in YAML 1.1. */
const AMBIGUOUS = /^[-+]?(0[0-9o]|[0-9.]+[eE])/;

export function ambiguousNumbers(doc: Document): AmbiguousNumber[] {
  const found: AmbiguousNumber[] = [];
  visit(doc, {
    Scalar: (key, node, ancestors) => {
      if (key === 'key' || typeof node.value !== 'number' || node.source === undefined) return;
      if (AMBIGUOUS.test(node.source))
        found.push({ path: pathTo(node, ancestors), source: node.source, value: node.value });
    },
  });
  return found;
}

function pathTo(node: unknown, ancestors: readonly unknown[]): DataPath {
  const way = [...ancestors, node];
  return ancestors.flatMap((above, depth): (string | number)[] => {
    if (isPair(above)) return isScalar(above.key) ? [String(above.key.value)] : [];
    return isSeq(above) ? [above.items.indexOf(way[depth + 1])] : [];
  });
}
