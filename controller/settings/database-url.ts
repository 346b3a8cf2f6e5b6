/** Which PostgreSQL URLs are accepted: all but loopback and Unix sockets need verified TLS. */
import { isLoopback } from '../domain/loopback.ts';

/** Other parameters that the driver reads could name another host, or switch verification off. */
const KNOWN: ReadonlySet<string> = new Set(['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host']);

const FORM = 'write postgres://USER:PASSWORD@HOST:5432/DATABASE';

/**
 * Why this URL must not be used; undefined if it is fine. The text never repeats the URL, which may hold a password.
 */
export function wrongDatabaseUrl(url: string): string | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return `it is not a URL: ${FORM}`;
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:')
    return 'it must begin with postgres://';
  if (parsed.pathname.length < 2) return 'it names no database: add /DATABASE';
  const parameters = [...parsed.searchParams.keys()];
  if (parameters.some(name => !KNOWN.has(name)) || new Set(parameters).size < parameters.length)
    return `it may have each of ${[...KNOWN].join(', ')} once, and no other parameter`;
  return wrongHost(parsed);
}

function wrongHost({ hostname, searchParams }: URL): string | undefined {
  const socket = searchParams.get('host');
  if (socket !== null && (!socket.startsWith('/') || hostname !== ''))
    return 'host is for the folder of a Unix socket: postgres:///DATABASE?host=/var/run/postgresql';
  if (socket === null && hostname === '') return `it names no host: ${FORM}`;
  const mode = searchParams.get('sslmode');
  const local = socket !== null || isLoopback(hostname);
  if (mode === 'verify-full' || (local && (mode === null || mode === 'disable'))) return undefined;
  return 'add ?sslmode=verify-full (and &sslrootcert=FILE for a certificate authority of your own): only a database on this host is used without TLS';
}
