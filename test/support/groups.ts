/** Parts of at most `most` files each, in order: a part shares a process. */
export const inGroups = (files: readonly string[], most: number): string[][] =>
  Array.from({ length: Math.ceil(files.length / most) }, (_, at) => files.slice(at * most, (at + 1) * most));
