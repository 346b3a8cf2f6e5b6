/** GitHub's errors as Faults that the outbox can act on. Their texts contain no credentials. */
import { MINUTE_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';

/** A Fault that may know when to retry (Retry-After, the limit's reset). */
export class GitHubFault extends Fault {
  /** Unix ms; undefined: the caller's own backoff. */
  readonly retryAtMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { retry: 'backoff' | 'never'; retryAtMs?: number | undefined },
  ) {
    super(code, message, options);
    this.retryAtMs = options.retryAtMs;
  }
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly route: string;
}
/** Octokit's pattern for GitHub's tokens, plus all forms that GitHub documents. */
const TOKENS = /\b(?:gh[a-z]_[A-Za-z0-9_]{8,}|github_pat_[A-Za-z0-9_]{8,}|v1\.[0-9a-f]{40})\b/g;
const BEARER = /\b(bearer|token|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
const USERINFO = /\/\/[^/\s@]*@/g;

/** Removes the given secrets and anything that looks like a credential; at most 300 characters. */
export function redact(text: string, secrets: readonly string[]): string {
  const known = secrets.filter(s => s !== '').reduce((t, secret) => t.replaceAll(secret, '[redacted]'), text);
  return known
    .replace(TOKENS, '[redacted]')
    .replace(BEARER, '$1 [redacted]')
    .replace(USERINFO, '//[redacted]@')
    .slice(0, 300);
}

/** Reads an Octokit RequestError by its shape: `@octokit/request-error` may exist in several copies. */
function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  const response =
    'response' in error ? (error.response as { headers?: Answer['headers'] } | undefined) : undefined;
  const request =
    'request' in error ? (error.request as { method?: string; url?: string } | undefined) : undefined;
  return {
    status: response === undefined ? 0 : error.status,
    message: error.message,
    headers: response?.headers ?? {},
    route:
      request?.url === undefined ? '' : `${request.method ?? ''} ${URL.parse(request.url)?.pathname ?? ''}`,
  };
}

const timedOut = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TimeoutError' || timedOut(error.cause));

/** The time to retry, from Retry-After or the reset of the hourly limit; undefined if GitHub sent neither. */
function retryAtMs({ headers }: Answer, nowMs: number): number | undefined {
  const after = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && Number.isFinite(after))
    return nowMs + Math.max(1, after) * 1000;
  const reset = Number(headers['x-ratelimit-reset']);
  if (headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset))
    return Math.max(nowMs, reset * 1000) + 1000;
  return undefined;
}

/**
 * Turns any error of a call to GitHub into a Fault. Rate limits have a time to retry (at least a minute if GitHub gives
 * none). 5xx, timeouts and network errors back off; a bad credential waits for an operator; 404 and 422 are final.
 */
export function toFault(error: unknown, nowMs: number, secrets: readonly string[]): Fault {
  if (error instanceof Fault) return error;
  const answer = answerOf(error);
  if (answer === undefined || answer.status === 0) {
    const why = error instanceof Error ? error.message : 'unknown failure';
    return timedOut(error)
      ? new GitHubFault('github_timeout', 'GitHub did not answer in time', { retry: 'backoff' })
      : new GitHubFault('github_unreachable', redact(`GitHub cannot be reached: ${why}`, secrets), {
          retry: 'backoff',
        });
  }
  const { status } = answer;
  const text = redact(`GitHub answered ${status} to ${answer.route}: ${answer.message}`, secrets);
  const limited = retryAtMs(answer, nowMs);
  if (status === 429 || (status === 403 && (limited !== undefined || /rate limit/i.test(answer.message)))) {
    const primary = answer.headers['x-ratelimit-remaining'] === '0';
    return new GitHubFault(primary ? 'github_rate_limit' : 'github_secondary_limit', text, {
      retry: 'backoff',
      retryAtMs: limited ?? nowMs + MINUTE_MS,
    });
  }
  if (status >= 500)
    return new GitHubFault('github_unavailable', text, { retry: 'backoff', retryAtMs: limited });
  if (status === 401 || status === 403)
    return new GitHubFault(status === 401 ? 'github_unauthorized' : 'github_forbidden', text, {
      retry: 'backoff',
      retryAtMs: nowMs + 10 * MINUTE_MS,
    });
  const codes: Readonly<Record<number, string>> = {
    404: 'github_not_found',
    409: 'github_conflict',
    422: 'github_invalid',
  };
  return new GitHubFault(codes[status] ?? 'github_refused', text, { retry: 'never' });
}
