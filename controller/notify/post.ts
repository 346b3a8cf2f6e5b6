/** One POST to a foreign server: at most ten seconds, no redirects, and the body of the answer is ignored. */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { Fault } from '../domain/fault.ts';
import type { Destination } from './destination.ts';

const TIMEOUT_MS = 10_000;

export type PostOptions = Pick<Destination, 'url' | 'ca'> & {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborts the request when the process ends. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
};

/** The destination did not accept the message. Contains no text from the destination and no URL. */
export class DestinationFault extends Fault {
  /** Seconds, from Retry-After. */
  readonly retryAfterS: number | undefined;

  constructor(code: string, retry: 'backoff' | 'never', retryAfterS?: number) {
    super(code, `the destination did not accept the message (${code})`, { retry });
    this.retryAfterS = retryAfterS;
  }
}

/** Resolves on 2xx. Rejects with a {@link DestinationFault}. */
export async function post(options: PostOptions): Promise<void> {
  const { statusCode = 0, headers } = await answerOf(options);
  if (statusCode >= 200 && statusCode < 300) return;
  const after = Number(headers['retry-after']);
  throw new DestinationFault(
    codeOf(statusCode),
    // With these codes the same body would be refused again. An operator can fix anything else in the meantime.
    [400, 413, 422].includes(statusCode) ? 'never' : 'backoff',
    headers['retry-after'] !== undefined && after > 0 ? after : undefined,
  );
}

function answerOf(options: PostOptions): Promise<IncomingMessage> {
  const { url, ca, body, headers, timeoutMs = TIMEOUT_MS } = options;
  const limit = AbortSignal.timeout(timeoutMs);
  const request = url.startsWith('https:') ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'nexmdm-ota',
        ...headers,
      },
      // Uses a separate connection. Closing it drops the answer's body, however large it is.
      agent: false,
      ...(ca === undefined ? {} : { ca }),
      signal: AbortSignal.any([limit, options.signal]),
    });
    sent.once('response', answer => {
      answer.on('error', () => undefined); // later errors do not matter once the status is known
      resolve(answer);
      sent.destroy();
    });
    sent.on('error', error =>
      reject(limit.aborted ? faultOf('destination_timeout') : connectionFault(error)),
    );
    sent.end(body);
  });
}

const faultOf = (code: string): DestinationFault => new DestinationFault(code, 'backoff');

/** Uses only the codes of Node and OpenSSL, because their messages contain the host name. */
function connectionFault(error: Error): DestinationFault {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(code))
    return faultOf('destination_certificate');
  return faultOf('destination_unreachable');
}

function codeOf(status: number): string {
  if (status >= 300 && status < 400) return 'destination_redirects';
  if (status >= 500) return 'destination_failed';
  const codes: Readonly<Record<number, string>> = {
    400: 'destination_rejected',
    401: 'destination_forbidden',
    403: 'destination_forbidden',
    404: 'destination_gone',
    410: 'destination_gone',
    413: 'destination_rejected',
    422: 'destination_rejected',
    429: 'destination_busy',
  };
  return codes[status] ?? 'destination_refused';
}
