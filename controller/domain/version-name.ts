/** Rules for a versionName in an APK and in a build's YAML: people read it in terminals and in pull requests. */

export const MAX_VERSION_NAME_LENGTH = 100;

/** Control characters, line separators, and marks that make the text after them read in another direction. */
const UNREADABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What is wrong with a versionName; undefined if it is fine. Lengths count code points, as in JSON Schema. */
export function versionNameFault(name: string): string | undefined {
  const { length } = [...name];
  if (length === 0) return 'it is empty';
  if (length > MAX_VERSION_NAME_LENGTH)
    return `it has ${length} characters, and ${MAX_VERSION_NAME_LENGTH} are allowed`;
  const code = UNREADABLE.exec(name)?.[0].codePointAt(0);
  if (code === undefined) return undefined;
  return `it contains the invisible character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
