/** Query strings of the views: bounded reading, and links with changed parts. */
import { html, type Part } from './html.ts';

/** A text of the query, trimmed and bounded; undefined if empty. */
export const textOf = (query: URLSearchParams, name: string, max = 64): string | undefined => {
  const text = query.get(name)?.trim().slice(0, max) ?? '';
  return text === '' ? undefined : text;
};

/** The row id at which to continue. */
export const idOf = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name) ?? '';
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
};

/** A link to the same view with these parts of its query changed; undefined removes a part. */
export function linkTo(
  path: string,
  query: URLSearchParams,
  change: Readonly<Record<string, string | undefined>>,
): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change))
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  const text = next.toString();
  return text === '' ? path : `${path}?${text}`;
}

export const pager = (said: Part, next: { readonly href: string; readonly name: string } | undefined): Part =>
  html`<nav class="pager" aria-label="Pages"><span>${said}</span>${next !== undefined && html`<a href="${next.href}" rel="next">${next.name}</a>`}</nav>`;
