/** Errors of a sign-in at the provider: its answer is rejected, or it did not answer. */
import { Fault } from '../domain/fault.ts';
import type { SignInRefusal, SignInResult } from '../ports/index.ts';
import { AnswerTooLarge } from './bounded-fetch.ts';

/** Error codes of the token endpoint (RFC 6749 §5.2). */
const BY_TOKEN_ERROR: Readonly<Record<string, SignInRefusal>> = {
  invalid_grant: 'stale',
  invalid_client: 'client',
  unauthorized_client: 'client',
};

const NO_ANSWER = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT']);

/** Codes of openid-client and of the protocol are plain words; anything else is dropped. */
const codeIn = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z_]{1,60}$/.test(value) ? value : undefined;

const fieldOf = (error: unknown, field: string): unknown =>
  typeof error === 'object' && error !== null && field in error
    ? (error as Record<string, unknown>)[field]
    : undefined;

/** Throws Fault `provider_unreachable` if there was no answer. */
export function refusalOf(error: unknown, issuer: string): SignInResult {
  const name = fieldOf(error, 'name');
  const said = codeIn(fieldOf(error, 'error'));
  const code = codeIn(fieldOf(error, 'code'));
  if (name === 'AuthorizationResponseError') {
    const busy = said === 'temporarily_unavailable' || said === 'server_error';
    if (busy) throw unreachable(issuer, error);
    return refused('denied', said);
  }
  if (name === 'ResponseBodyError') return refused(BY_TOKEN_ERROR[said ?? ''] ?? 'denied', said);
  if (name === 'WWWAuthenticateChallengeError') return refused('client', code);
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return refused('clock', code);
  if (isNoAnswer(error, code)) throw unreachable(issuer, error);
  return refused('invalid', isTooLarge(error) ? 'too_large' : code);
}

const refused = (why: SignInRefusal, detail: string | undefined): SignInResult => ({
  kind: 'refused',
  why,
  detail,
});

/** True without an answer: `fetch` throws a TypeError without a code, and a gateway answers with a status but no JSON. */
function isNoAnswer(error: unknown, code: string | undefined): boolean {
  const status = fieldOf(fieldOf(error, 'cause'), 'status');
  return (
    (error instanceof TypeError && code === undefined) ||
    NO_ANSWER.has(code ?? '') ||
    (typeof status === 'number' && status >= 500)
  );
}

/** The Fault for a provider's metadata that is invalid or missing. */
export function metadataFault(issuer: string, cause: unknown): Fault {
  const { host } = new URL(issuer);
  const code = codeIn(fieldOf(cause, 'code'));
  if (isNoAnswer(cause, code)) return unreachable(issuer, cause);
  const why = isTooLarge(cause) ? 'too large' : (code ?? 'unknown');
  return new Fault('provider_invalid', `${host} publishes no valid metadata (${why})`, {
    retry: 'backoff',
    cause,
  });
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof AnswerTooLarge || fieldOf(error, 'cause') instanceof AnswerTooLarge;

const unreachable = (issuer: string, cause: unknown): Fault =>
  new Fault('provider_unreachable', `${new URL(issuer).host} does not answer`, { retry: 'backoff', cause });
