/** Maps any thrown error to the refusal to answer with. A Fault's text is sent only if it was written for clients. */
import { Fault } from '../domain/fault.ts';
import { type HttpCode, Refusal } from './problem.ts';

/** Faults whose message may be sent to the client. */
const TOLD: Readonly<Record<string, HttpCode>> = {
  sha256_mismatch: 'sha256_mismatch',
  artifact_rejected: 'artifact_rejected',
  too_large: 'too_large',
  quota_exceeded: 'quota_exceeded',
  token_taken: 'token_taken',
  token_name_taken: 'token_exists',
  brake_nothing: 'brake_nothing',
  resume_nothing: 'resume_nothing',
  scope_missing: 'scope_missing',
  not_ready: 'not_ready',
};

/** This controller cannot do it any more; the one that took over can. */
const OVERTAKEN_CODES: ReadonlySet<string> = new Set(['lease_lost', 'installation_moved', 'fell_behind']);

const RETRY_S = 10;

/** What the controller waits for, if knowing it helps the client. The text names no hosts, users or files. */
const AWAY: readonly (readonly [code: RegExp, text: string])[] = [
  [
    /^store_(unreachable|refused|busy|io)$/,
    'the controller cannot write to its database now, so nothing was changed; try again later',
  ],
  [/^disk_full$/, 'a disk that the controller writes to is full, so nothing was changed; try again later'],
  [
    /^(not_leading|leader_silent)$/,
    'the controller that leads does not answer, so nothing was changed; another one takes over soon',
  ],
  [
    /^leader_late$/,
    'the controller that leads has begun and is not done yet; look what it did before you ask again',
  ],
  [
    /^object_store_/,
    'the object store of the APKs cannot be used now, so nothing was stored; try again later',
  ],
];
const waitingFor = (code: string): string =>
  AWAY.find(([known]) => known.test(code))?.[1] ?? 'the controller cannot do this now; try again later';

export interface Failure {
  readonly refusal: Refusal;
  /** True for an error that the client did not cause; it is logged as an error. */
  readonly unexpected: boolean;
  /** The stable code for the log. */
  readonly code: string;
}

/** The code of a verdict that is the Fault's cause. */
function reasonOf(fault: Fault): Record<string, unknown> {
  const { cause } = fault;
  return typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string'
    ? { reason: cause.code }
    : {};
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Refusal) return { refusal: error, unexpected: false, code: error.code };
  if (!(error instanceof Fault)) {
    const refusal = new Refusal('internal', 'the controller failed to answer', { cause: error });
    return { refusal, unexpected: true, code: 'internal' };
  }
  const told = TOLD[error.code];
  if (told !== undefined) {
    const members = told === 'artifact_rejected' ? reasonOf(error) : {};
    const refusal = new Refusal(told, error.message, { members, cause: error });
    return { refusal, unexpected: refusal.status >= 500, code: error.code };
  }
  const refusal =
    error.retry === 'backoff' || OVERTAKEN_CODES.has(error.code)
      ? new Refusal('unavailable', waitingFor(error.code), {
          retryAfterS: RETRY_S,
          cause: error,
        })
      : new Refusal('internal', 'the controller failed to answer', { cause: error });
  return { refusal, unexpected: true, code: error.code };
}
