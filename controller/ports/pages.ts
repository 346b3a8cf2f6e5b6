/** Pages for people: HTTP serves them without knowing what they say, and they know nothing of sockets. */
import type { AdminToken } from './admins.ts';

/** A request for a page. What a browser sent is not trusted: texts are bounded by HTTP and nothing else. */
export interface PageRequest {
  readonly method: 'GET' | 'POST';
  /** The path and query as they were asked for. */
  readonly target: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The fields of a form, of a POST alone. */
  readonly form: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  /** Lower-case name. */
  header(name: string): string | undefined;
  /** The browser's address as far as it is known; for limits and the log. */
  readonly address: string;
  /** Aborted once nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

export interface PageAnswer {
  readonly status: number;
  /** Several cookies are several values. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** A stream lasts as long as it yields. */
  readonly body: string | Uint8Array | AsyncIterable<string>;
}

export interface Page {
  readonly method: 'GET' | 'POST';
  /** In the syntax of @koa/router. */
  readonly path: string;
  readonly answer: (request: PageRequest) => Promise<PageAnswer> | PageAnswer;
}

/** All pages, and the one that stands for a page that failed. */
export interface PageFace {
  readonly pages: readonly Page[];
  /** `code`: the stable code of the failure; the log says more. */
  failure(status: number, code: string): PageAnswer;
}

/** What became of a token that a person showed. */
type TokenShown =
  | { readonly kind: 'good'; readonly token: AdminToken; readonly sha256: string }
  | { readonly kind: 'refused' }
  /** Too many failures from this address. */
  | { readonly kind: 'wait'; readonly retryAfterS: number };

/** Checks an operator's token without a query. A failure is logged, counted and limited by address. */
export type ShowToken = (token: string, address: string) => TokenShown;
