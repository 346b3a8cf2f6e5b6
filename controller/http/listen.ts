/** Listening sockets: TLS unless on loopback, clear errors, and a close that lets running requests finish. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { isIP } from 'node:net';
import { Fault } from '../domain/fault.ts';
import { isLoopback } from '../domain/loopback.ts';
import { type Connections, limitConnections } from './connections.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM texts; with them the listener speaks TLS. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined;
  /** A trusted proxy terminates TLS, so plain HTTP is allowed on any address. */
  readonly trustedProxy?: boolean;
  /** Connections at once. Without a limit the file descriptors of the process are the limit. */
  readonly maxConnections?: number;
  /** Called at most once in ten seconds with the number of waiting connections closed to make room. */
  readonly onFull?: (closed: number) => void;
  readonly handler: RequestListener;
}

export interface Listener {
  /** `https://127.0.0.1:8443` */
  readonly url: string;
  readonly port: number;
  /** New connections use this pair; existing ones keep theirs. Only for a listener that speaks TLS. */
  renew(tls: { readonly cert: string; readonly key: string }): void;
  /** Stops accepting, waits up to `graceMs` for running requests, then cuts the rest. Idempotent. */
  close(graceMs: number): Promise<void>;
}

const HEADERS_MS = 20_000;
/**
 * A device sends a few requests and then nothing for hours. At 1,000 checks/s each second of idle time holds 1,000
 * sockets.
 */
const KEEP_ALIVE_MS = 10_000;
/** Longer than the idle limit of common proxies (60 s), so that a proxy never reuses a connection as we close it. */
const PROXY_KEEP_ALIVE_MS = 75_000;
const IDLE_SWEEP_MS = 50;

function serverFor({ tls, trustedProxy }: ListenOptions, handler: RequestListener): Server {
  const keepAliveTimeout = trustedProxy === true ? PROXY_KEEP_ALIVE_MS : KEEP_ALIVE_MS;
  // Bodies have limits of their own in body.ts: one total for all would cut large uploads and spare slow attackers.
  const limits = { headersTimeout: HEADERS_MS, requestTimeout: 0, keepAliveTimeout };
  if (tls === undefined) return createServer(limits, handler);
  try {
    return createTlsServer({ ...limits, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }, handler);
  } catch (cause) {
    throw new Fault('tls_invalid', 'the TLS certificate and key do not match or cannot be read', {
      retry: 'never',
      cause,
    });
  }
}

const WHY: Readonly<Record<string, readonly [code: string, text: string]>> = {
  EADDRINUSE: ['port_in_use', 'is in use by another program: stop it or choose another port'],
  EACCES: ['port_forbidden', 'may not be opened by this user: choose a port above 1023'],
  EADDRNOTAVAIL: ['address_unavailable', 'is not an address of this machine'],
  ENOTFOUND: ['address_unavailable', 'is not an address of this machine'],
};

/** The previous process is still ending, or the network is still coming up. */
const MAY_PASS: ReadonlySet<string> = new Set(['port_in_use', 'address_unavailable']);

function opened(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const [code, text] = WHY[cause.code ?? ''] ?? [
        'listen_failed',
        `cannot be opened (${cause.code ?? 'error'})`,
      ];
      const retry = MAY_PASS.has(code) ? 'backoff' : 'never';
      reject(new Fault(code, `${host}:${port} ${text}`, { retry, cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Faults `insecure_listener`, `tls_invalid`, `port_in_use`, `port_forbidden`, `address_unavailable`, `listen_failed`. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, tls } = options;
  if (tls === undefined && options.trustedProxy !== true && !isLoopback(host))
    throw new Fault(
      'insecure_listener',
      `refusing plain HTTP on ${host}: set a TLS certificate (OTA_TLS_CERT), set OTA_TRUSTED_PROXY when a proxy terminates TLS, or listen on loopback`,
      { retry: 'never' },
    );
  let closing: Promise<void> | undefined;
  let connections: Connections | undefined;
  /** Requests that are not answered yet. */
  const running = new Set<ServerResponse>();
  const handler: RequestListener = (req, res) => {
    const end = connections?.begin(req.socket);
    running.add(res);
    // The event comes only once. `once` would wrap the listener, at a cost for each check.
    res.on('close', () => {
      running.delete(res);
      end?.();
    });
    if (closing !== undefined) sayClosing(res);
    options.handler(req, res);
  };
  const server = serverFor(options, handler);
  // `100 Continue` is sent by the route that wants the body, so that a refusal comes before the upload.
  server.on('checkContinue', handler).on('checkExpectation', handler);
  if (options.maxConnections !== undefined)
    connections = limitConnections(server, {
      most: options.maxConnections,
      onFull: options.onFull ?? (() => undefined),
      monotonicMs: () => performance.now(),
    });
  const port = await opened(server, host, options.port);
  const named = isIP(host) === 6 ? `[${host}]` : host;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${named}:${port}`,
    port,
    renew: ({ cert, key }) => {
      if (server instanceof TlsServer) server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    },
    close: graceMs => {
      closing ??= closeServer(server, graceMs);
      for (const res of running) sayClosing(res);
      return closing;
    },
  };
}

/** Without this the client would send its next request into a connection that is about to be closed. */
function sayClosing(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    // A connection whose request ends during the grace would otherwise stay open until its keep-alive ends.
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
