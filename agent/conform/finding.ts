/** How a check says what is wrong. */

/** What a check found wrong, in words. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

export function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Finding(otherwise);
}
