/**
 * Turns database errors with an outside cause into Faults with stable codes; our own mistakes pass through unchanged.
 */
import { Fault } from '../domain/fault.ts';

const codes: Readonly<Record<string, Known>> = {
  SQLITE_FULL: ['disk_full', 'the disk that holds the data folder is full', 'backoff'],
  SQLITE_BUSY: ['store_busy', 'the database is busy', 'backoff'],
  SQLITE_IOERR: ['store_io', 'the database could not be read or written', 'backoff'],
  SQLITE_CANTOPEN: ['store_io', 'the database could not be opened', 'backoff'],
  SQLITE_READONLY: ['store_io', 'the database is read-only', 'backoff'],
  SQLITE_CORRUPT: ['store_corrupt', 'the database is damaged; restore a backup', 'never'],
  SQLITE_NOTADB: ['store_corrupt', 'the file is not a database; restore a backup', 'never'],
};

type Known = readonly [code: string, message: string, retry: 'backoff' | 'never'];

/** PostgreSQL's SQLSTATE (its manual, appendix A), whole or by class, and error codes of the network and TLS. */
const postgres: readonly (readonly [pattern: RegExp, ...known: Known])[] = [
  [/^28/, 'store_refused', 'the database refused our user or password: check OTA_DATABASE', 'backoff'],
  [
    /^3D000$/,
    'store_refused',
    'the database server has no database of that name: create it, or check OTA_DATABASE',
    'backoff',
  ],
  [/^42501$/, 'store_refused', 'our database user lacks a right: it must own its schema', 'backoff'],
  [
    /^53300$/,
    'store_busy',
    'the database server has no connection left: raise its max_connections, or lower OTA_DATABASE_CONNECTIONS',
    'backoff',
  ],
  [/^53100$/, 'disk_full', 'the disk of the database server is full', 'backoff'],
  [/^(40001|40P01|55P03)$/, 'store_busy', 'the database is busy', 'backoff'],
  [
    /^25P03$/,
    'store_unreachable',
    'the database server ended a transaction because this machine was paused or too busy to go on with it',
    'backoff',
  ],
  [/^25006$/, 'store_io', 'the database is read-only: is it a standby?', 'backoff'],
  [/^XX00[12]$/, 'store_corrupt', 'the database is damaged; restore a backup', 'never'],
  [/^(08|57P|58|53)/, 'store_unreachable', 'the database server stopped or is not ready', 'backoff'],
  [
    /^(DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO|CERT_|ERR_TLS_)/,
    'store_refused',
    "the database server's certificate is not trusted: check sslrootcert and the host name in OTA_DATABASE",
    'backoff',
  ],
  [
    /^(ENOENT|EACCES|EISDIR)$/,
    'store_refused',
    'a file or the socket that OTA_DATABASE names cannot be read: check sslrootcert, sslcert, sslkey and host',
    'backoff',
  ],
  [
    /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/,
    'store_unreachable',
    'the database server cannot be reached: check OTA_DATABASE and the network',
    'backoff',
  ],
];

/** The driver gives these errors no code. Knex puts the statement before their text. */
const LOST =
  /(^| - )(Connection terminated|timeout expired|timeout exceeded|Query read timeout|Client has encountered)/;

function knownIn(error: unknown): Known | undefined {
  const code = codeOf(error);
  const sqlite = codes[code];
  if (sqlite !== undefined) return sqlite;
  const found = code === '' ? undefined : postgres.find(([pattern]) => pattern.test(code));
  if (found !== undefined) return [found[1], found[2], found[3]];
  if (error instanceof Error && /does not support SSL/.test(error.message))
    return ['store_refused', 'the database server does not speak TLS: OTA_DATABASE asks for it', 'backoff'];
  if (error instanceof Error && LOST.test(error.message))
    return ['store_unreachable', 'the connection to the database was lost', 'backoff'];
  return undefined;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** A Fault for an error of the disk, the lock or the file; anything else is returned unchanged. */
export function toFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const known = knownIn(error);
  if (known !== undefined) return new Fault(known[0], known[1], { retry: known[2], cause: error });
  if (error instanceof Error && error.name === 'KnexTimeoutError')
    return new Fault('store_busy', 'no database connection became free in time', {
      retry: 'backoff',
      cause: error,
    });
  return error;
}

/** Runs `work`; only Faults and assertions leave it. */
export async function faulted<T>(work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFault(error);
  }
}
