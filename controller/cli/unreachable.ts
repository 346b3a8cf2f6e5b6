/** Explains to the user why a controller did not answer. */
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
  HPE_INVALID_CONSTANT: 'the server there does not speak HTTP',
};

/**
 * Fault `controller_unreachable` with the reason and what to check; `interrupted` if the caller aborted.
 * `base`: the controller's URL without secrets; `name`: the caller's name for it.
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
  // OpenSSL's code for an answer that is not TLS.
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return new Fault(
      'controller_unreachable',
      `cannot reach the controller at ${base}: the server there does not speak TLS (${method} ${path})\n  check ${name}: use http or another port`,
      { retry: 'never', cause },
    );
  const tls = /CERT|SSL|TLS|ALTNAME/.test(code);
  const why = WHY[code] ?? (tls ? `its certificate is not trusted (${code})` : `${error.message}`);
  const check = tls
    ? 'for a private certificate authority set NODE_EXTRA_CA_CERTS to its PEM file'
    : `check that the controller is running and that ${name} is right`;
  return new Fault(
    'controller_unreachable',
    `cannot reach the controller at ${base}: ${why} (${method} ${path})\n  ${check}`,
    {
      retry: 'backoff',
      cause,
    },
  );
}
