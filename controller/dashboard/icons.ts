/** Icons: one shape per meaning, so that no state depends on colour alone. Defined once per page, used by name. */
import { Html, html } from './html.ts';

const SHAPES = {
  ok: '<path fill-rule="evenodd" d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm3.6 4.3L7 9.9 4.6 7.5 3.4 8.7 7 12.3l5.8-5.8Z"/>',
  move: '<path d="M1.5 2.5h7L15 8l-6.5 5.5h-7L6 8Z"/>',
  back: '<path d="M14.5 2.5h-7L1 8l6.5 5.5h7L10 8Z"/>',
  wait: '<path fill-rule="evenodd" d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 1.7a5.3 5.3 0 1 0 0 10.6A5.3 5.3 0 0 0 8 2.7Zm-.85 1.6h1.7v3.35l2.4 2.4-1.2 1.2-2.9-2.9Z"/>',
  halt: '<path fill-rule="evenodd" d="M5 .9h6L15.1 5v6L11 15.1H5L.9 11V5Zm2.1 3v5h1.8v-5Zm0 6.3V12h1.8v-1.8Z"/>',
  refused:
    '<path fill-rule="evenodd" d="M8 .3 15.7 8 8 15.7.3 8ZM6.2 5 5 6.2 6.8 8 5 9.8 6.2 11 8 9.2 9.8 11 11 9.8 9.2 8 11 6.2 9.8 5 8 6.8Z"/>',
  pause:
    '<path fill-rule="evenodd" d="M3 1h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2Zm2.2 3.5v7h2v-7Zm3.6 0v7h2v-7Z"/>',
  warn: '<path fill-rule="evenodd" d="M8 1 15.6 14.5H.4ZM7.15 6v4h1.7V6Zm0 5.2v1.7h1.7v-1.7Z"/>',
  none: '<path fill="none" stroke="currentColor" stroke-width="1.7" stroke-dasharray="2.4 2.2" d="M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z"/>',
  silent: '<path fill-rule="evenodd" d="M2 2h12v12H2Zm1.7 1.7v8.6h8.6V3.7Zm2 3.45h4.6v1.7H5.7Z"/>',
  load: '<path d="M7.1 1.5h1.8v6.2l2.3-2.3 1.3 1.3L8 11.2 3.5 6.7l1.3-1.3 2.3 2.3ZM2.5 12.7h11v1.8h-11Z"/>',
  person:
    '<path d="M8 1.5a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4ZM1.8 14.5c0-3.3 2.7-5.3 6.2-5.3s6.2 2 6.2 5.3Z"/>',
  theme: '<path fill-rule="evenodd" d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 1.7v10.6A5.3 5.3 0 0 0 8 2.7Z"/>',
  brand: '<path d="M1 11.5h3v3H1Zm4-3.500h3v6.500H5Zm4-3.500h3v10H9Zm4-3h2v13h-2Z"/>',
  dot: '<circle cx="8" cy="8" r="4"/>',
} as const;
export type Shape = keyof typeof SHAPES;

/** Colour of a shape: a state, or none. */
export type Tone = 'ok' | 'move' | 'wait' | 'stop' | 'pause' | 'back' | 'none';

export const SPRITE = new Html(
  `<svg class="sprite" aria-hidden="true"><defs>${Object.entries(SHAPES)
    .map(([name, path]) => `<symbol id="i-${name}" viewBox="0 0 16 16">${path}</symbol>`)
    .join('')}</defs></svg>`,
);

/** An icon beside its word; `label` only for an icon without a word. */
export const icon = (shape: Shape, tone: Tone | '' = '', label?: string): Html =>
  label === undefined
    ? html`<svg class="i ${tone}" aria-hidden="true"><use href="#i-${shape}"/></svg>`
    : html`<svg class="i ${tone}" role="img" aria-label="${label}"><use href="#i-${shape}"/></svg>`;

/** Icon and word, in the colour of the state. */
export const state = (shape: Shape, tone: Tone, text: string): Html =>
  html`<span class="state ${tone}">${icon(shape)}<span>${text}</span></span>`;
