/** Pages for people. HTTP serves them without knowing their content, and pages know nothing about sockets. */
import type { AdminToken } from './admins.ts';

/** A request for a page. Its content is not trusted: HTTP limits the length of texts and checks nothing else. */
export interface PageRequest {
  readonly method: 'GET' | 'POST';
  /** The path and query as requested. */
  readonly target: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The fields of the form; only for a POST. */
  readonly form: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  /** Lower-case name. */
  header(name: string): string | undefined;
  /** The browser's address, as far as known. For rate limits and the log. */
  readonly address: string;
  /** Aborted when the client is no longer waiting for the answer. */
  readonly gone: AbortSignal;
}

export interface PageAnswer {
  readonly status: number;
  /** An array for several values, such as cookies. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** A stream stays open until its iterator ends. */
  readonly body: string | Uint8Array | AsyncIterable<string>;
}

export interface Page {
  readonly method: 'GET' | 'POST';
  /** In the syntax of @koa/router. */
  readonly path: string;
  readonly answer: (request: PageRequest) => Promise<PageAnswer> | PageAnswer;
}

/** All pages, and the page that is shown for a failure. */
export interface PageFace {
  readonly pages: readonly Page[];
  /** `code`: the stable code of the failure; the log says more. */
  failure(status: number, code: string): PageAnswer;
}

/** The result of checking a token that a person presented. */
type TokenShown =
  | { readonly kind: 'good'; readonly token: AdminToken; readonly sha256: string }
  | { readonly kind: 'refused' }
  /** Too many failures from this address. */
  | { readonly kind: 'wait'; readonly retryAfterS: number };

/** Checks an operator's token without a query. Failures are logged, counted and rate-limited by address. */
export type ShowToken = (token: string, address: string) => TokenShown;
