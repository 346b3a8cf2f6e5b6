/** Makes untrusted text safe for Markdown and terminals: reasons, notes and version names may be hostile. */

/** Control characters, line and paragraph separators, and what reorders or hides text: bidi controls, zero widths. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu;

/** One visible line of at most `max` characters. */
export function singleLine(text: string, max = 200): string {
  const line = text.replace(UNSEEN, ' ').trim();
  const characters = [...line];
  return characters.length <= max ? line : `${characters.slice(0, max - 1).join('')}…`;
}

/** Characters with no special meaning to Markdown, HTML or GitHub's autolinks inside a code span or a table. */
const HARMLESS_IN_CODE = /^[^`|\\&<>]+$/;

/**
 * Shows text as inline code, so that mentions, links, images, HTML or table borders in it have no effect.
 * Text that is not safe in backticks is written as character references within `<code>`.
 */
export function code(text: string, max?: number): string {
  const line = singleLine(text, max);
  if (line === '') return '(empty)';
  if (HARMLESS_IN_CODE.test(line)) return `\`${line}\``;
  return `<code>${line.replace(/[^\p{L}\p{N} ]/gu, c => `&#${c.codePointAt(0)};`)}</code>`;
}
