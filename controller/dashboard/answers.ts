/** Answers of the pages, with security headers. */
import type { PageAnswer } from '../ports/index.ts';
import type { Html } from './html.ts';

export type AnswerHeaders = PageAnswer['headers'];

/** Allows nothing inline and nothing from other origins, so injected markup can neither run nor load anything. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const SAFE: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Our own forms must send the origin, but other sites must not learn a device id from a path.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

export const pageOf = (body: Html, status = 200, headers: AnswerHeaders = {}): PageAnswer => ({
  status,
  headers: { ...SAFE, 'Content-Type': 'text/html; charset=utf-8', ...headers },
  body: body.text,
});

/** 303: the browser asks for `to` with GET. `to` is a path of ours, or the provider's own page. */
export const goTo = (to: string, headers: AnswerHeaders = {}): PageAnswer => ({
  status: 303,
  headers: { ...SAFE, Location: to, ...headers },
  body: '',
});

/** Answer to a live part that makes htmx leave the page. */
export const leaveTo = (to: string): PageAnswer => ({
  status: 200,
  headers: { ...SAFE, 'Content-Type': 'text/plain', 'HX-Redirect': to },
  body: '',
});

export const plain = (status: number, text: string): PageAnswer => ({
  status,
  headers: { ...SAFE, 'Content-Type': 'text/plain; charset=utf-8' },
  body: text,
});
