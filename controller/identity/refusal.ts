/** What went wrong at the provider: its answer is refused, or it did not answer at all. */
import { Fault } from '../domain/fault.ts';
import type { SignInRefusal, SignInResult } from '../ports/index.ts';
import { AnswerTooLarge } from './bounded-fetch.ts';

/** RFC 6749 §5.2, as the token endpoint says it. */
const BY_TOKEN_ERROR: Readonly<Record<string, SignInRefusal>> = {
  invalid_grant: 'stale',
  invalid_client: 'client',
  unauthorized_client: 'client',
};

const NO_ANSWER = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT']);

/** Codes of openid-client and of the protocol are words in one case; anything else stays here. */
const codeIn = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z_]{1,60}$/.test(value) ? value : undefined;

const fieldOf = (error: unknown, field: string): unknown =>
  typeof error === 'object' && error !== null && field in error
    ? (error as Record<string, unknown>)[field]
    : undefined;

/** Throws Fault `provider_unreachable` where there was no answer to refuse. */
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

/** `fetch` throws a TypeError without a code; a gateway in between answers with a status and no JSON. */
function isNoAnswer(error: unknown, code: string | undefined): boolean {
  const status = fieldOf(fieldOf(error, 'cause'), 'status');
  return (
    (error instanceof TypeError && code === undefined) ||
    NO_ANSWER.has(code ?? '') ||
    (typeof status === 'number' && status >= 500)
  );
}

/** What is no good of the metadata that a provider publishes, or that there is none. */
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
