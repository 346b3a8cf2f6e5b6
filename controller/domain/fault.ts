/**
 * A failure of the world around us: thrown, with a stable code and what to do about it.
 * Caught only by the reconcile loop, the outbox, the outer HTTP middleware and the entry points.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  /** Stable snake_case code: the metric label and the log field. */
  readonly code: string;
  readonly retry: 'backoff' | 'never';

  constructor(code: string, message: string, options: { retry: 'backoff' | 'never'; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry;
  }
}

/** The stable code of whatever was thrown; `internal` for what is not a Fault. */
export const faultCode = (error: unknown): string => (error instanceof Fault ? error.code : 'internal');
