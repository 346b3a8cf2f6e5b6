/** Which PostgreSQL URLs are accepted: nothing but loopback and Unix sockets goes without verified TLS. */

import { isLoopback } from '../domain/loopback.ts';

/** Why this URL must not be used; undefined when it is fine. The URL is not repeated: it may hold a password. */
export function wrongDatabaseUrl(url: string): string | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'it is not a URL: write postgres://USER:PASSWORD@HOST:5432/DATABASE';
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:')
    return 'it must begin with postgres://';
  if (parsed.pathname.length < 2) return 'it names no database: add /DATABASE';
  const mode = parsed.searchParams.get('sslmode');
  const local =
    parsed.hostname === '' ||
    isLoopback(parsed.hostname) ||
    (parsed.searchParams.get('host') ?? '').startsWith('/');
  if (mode === 'verify-full' || (local && (mode === null || mode === 'disable'))) return undefined;
  return 'add ?sslmode=verify-full (and &sslrootcert=FILE for a certificate authority of your own): only a database on this host is used without TLS';
}
