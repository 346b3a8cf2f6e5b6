/** What was seen lately, in bounded memory: at least the last half of `maxKeys`. */

interface Recent {
  /** Returns whether the key was seen before, and remembers it. */
  sawBefore(key: string): boolean;
}

export function makeRecent(maxKeys: number): Recent {
  // Two generations instead of an LRU list: half the work on the hot route.
  const generationSize = Math.ceil(maxKeys / 2);
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    sawBefore: key => {
      const known = young.has(key) || old.has(key);
      young.add(key);
      if (young.size >= generationSize) {
        old = young;
        young = new Set();
      }
      return known;
    },
  };
}
