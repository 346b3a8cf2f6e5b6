/** HTML from tagged templates: every value is escaped, unless a template made it. */

export class Html {
  readonly text: string;

  /** Only for {@link html} and for trusted HTML of our own. */
  constructor(text: string) {
    this.text = text;
  }
}

/** `false` and `undefined` render as nothing, so that `condition && html…` works. */
export type Part = string | number | Html | false | undefined | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe between tags and inside a quoted attribute. Characters that reorder text are made visible. */
export const escaped = (text: string): string =>
  text
    .replace(/[&<>"']/g, found => ENTITIES[found] ?? '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the page
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

function rendered(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return part.map(rendered).join('');
}

/** Attributes must be quoted in the template; then any value is safe. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.reduce((text, string, at) => `${text}${rendered(parts[at - 1])}${string}`));

export const joined = (parts: readonly Part[], by: Part): Part[] =>
  parts.flatMap((part, at) => (at === 0 ? [part] : [by, part]));
