/** The first small step from one value to another, so that an edit changes as little of a file as possible. Pure. */

export type YamlValue = string | number | boolean | null | YamlList | YamlMap;
type YamlList = readonly YamlValue[];
export type YamlMap = { readonly [key: string]: YamlValue };

export type Path = readonly (string | number)[];

export type Step =
  /** A new key; `order` is the order of all keys of the map. */
  | {
      readonly kind: 'insert';
      readonly path: Path;
      readonly key: string;
      readonly value: YamlValue;
      readonly order: readonly string[];
    }
  | { readonly kind: 'append'; readonly path: Path; readonly value: YamlValue }
  | { readonly kind: 'replace'; readonly path: Path; readonly value: YamlValue }
  | { readonly kind: 'remove'; readonly path: Path };

export const isMap = (value: unknown): value is YamlMap =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isList = (value: unknown): value is YamlList => Array.isArray(value);

/** The same text for equal values; the order of keys does not matter. */
export const meaningOf = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    isMap(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );

/** Undefined if both values are equal. `order` is the order of the top-level keys. */
export function nextStep(
  now: YamlMap,
  wanted: YamlMap,
  order: readonly string[],
  path: Path = [],
): Step | undefined {
  const gone = Object.keys(now).find(key => !(key in wanted));
  if (gone !== undefined) return { kind: 'remove', path: [...path, gone] };
  for (const key of [...Object.keys(wanted)].sort((a, b) => rankIn(order, a) - rankIn(order, b))) {
    const value = wanted[key] ?? null;
    if (!(key in now)) return { kind: 'insert', path, key, value, order };
    const step = between(now[key] ?? null, value, [...path, key]);
    if (step !== undefined) return step;
  }
  return undefined;
}

export const rankIn = (order: readonly string[], key: string): number => {
  const at = order.indexOf(key);
  return at === -1 ? order.length : at;
};

function between(now: YamlValue, wanted: YamlValue, path: Path): Step | undefined {
  if (meaningOf(now) === meaningOf(wanted)) return undefined;
  if (isMap(now) && isMap(wanted) && Object.keys(now).some(key => key in wanted))
    return nextStep(now, wanted, Object.keys(wanted), path);
  if (isList(now) && isList(wanted) && wanted.length > 0) return inList(now, wanted, path);
  return { kind: 'replace', path, value: wanted };
}

function inList(now: YamlList, wanted: YamlList, path: Path): Step {
  const whole: Step = { kind: 'replace', path, value: wanted };
  if (now.length === 0) return whole;
  if ([...now, ...wanted].some(item => isMap(item) || isList(item))) {
    for (const [index, item] of now.slice(0, wanted.length).entries()) {
      const step = between(item, wanted[index] ?? null, [...path, index]);
      if (step !== undefined) return step;
    }
    return now.length > wanted.length
      ? { kind: 'remove', path: [...path, now.length - 1] }
      : { kind: 'append', path, value: wanted[now.length] ?? null };
  }
  const known = new Set(wanted.map(meaningOf));
  const gone = now.findIndex(item => !known.has(meaningOf(item)));
  if (gone !== -1 && now.length > 1) return { kind: 'remove', path: [...path, gone] };
  const begins = now.length < wanted.length && meaningOf(now) === meaningOf(wanted.slice(0, now.length));
  return begins ? { kind: 'append', path, value: wanted[now.length] ?? null } : whole;
}
