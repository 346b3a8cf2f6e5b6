/** One POST to somebody else's server: ten seconds, no redirects, and nothing that it answers is read or kept. */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { Fault } from '../domain/fault.ts';
import type { Destination } from './destination.ts';

const TIMEOUT_MS = 10_000;

export type PostOptions = Pick<Destination, 'url' | 'ca'> & {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request when the process does. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
};

/** A destination that did not take the message. No text of it, and no URL, is in here. */
export class DestinationFault extends Fault {
  /** Seconds, from Retry-After. */
  readonly retryAfterS: number | undefined;

  constructor(code: string, retry: 'backoff' | 'never', retryAfterS?: number) {
    super(code, `the destination did not take the message (${code})`, { retry });
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
    // The same body would be refused again; everything else an operator can mend meanwhile.
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
      // A connection of its own: the answer's body is dropped with it, whatever its size.
      agent: false,
      ...(ca === undefined ? {} : { ca }),
      signal: AbortSignal.any([limit, options.signal]),
    });
    sent.once('response', answer => {
      answer.on('error', () => undefined); // its end is no news once the status is known
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

/** Codes of Node and OpenSSL; their messages name the host, so they go no further. */
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
