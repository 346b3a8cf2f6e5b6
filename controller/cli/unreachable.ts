/** Why no answer came from a controller, in words for the person who asked. */
import { Fault } from '../domain/fault.ts';

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved now',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it took the request and did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'its answer stopped halfway',
  UND_ERR_SOCKET: 'the connection was cut',
  HPE_INVALID_CONSTANT: 'what answers there does not speak HTTP',
};

/**
 * Fault `controller_unreachable`, with the reason and what to look at; `interrupted` where the caller gave up.
 * `base`: the controller's URL without secrets; `name`: what the caller calls it.
 */
export function unreachable(
  base: string,
  method: string,
  path: string,
  cause: unknown,
  name = 'OTA_URL',
): Fault {
  const error = cause as NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] };
  if (error.name === 'AbortError') return new Fault('interrupted', 'interrupted', { retry: 'never', cause });
  const code = error.code ?? error.errors?.[0]?.code ?? '';
  // OpenSSL's word for an answer that is not TLS at all.
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return new Fault(
      'controller_unreachable',
      `cannot reach the controller at ${base}: what answers there does not speak TLS (${method} ${path})\n  is ${name} right: http, or another port?`,
      { retry: 'never', cause },
    );
  const tls = /CERT|SSL|TLS|ALTNAME/.test(code);
  const why = WHY[code] ?? (tls ? `its certificate is not trusted (${code})` : `${error.message}`);
  const check = tls
    ? 'for a private certificate authority set NODE_EXTRA_CA_CERTS to its PEM file'
    : `is the controller running, and is ${name} right?`;
  return new Fault(
    'controller_unreachable',
    `cannot reach the controller at ${base}: ${why} (${method} ${path})\n  ${check}`,
    {
      retry: 'backoff',
      cause,
    },
  );
}
