/** What the database says when the world fails it, as Faults with stable codes; our own mistakes pass through as they are. */
import { Fault } from '../domain/fault.ts';

const codes: Readonly<Record<string, readonly [code: string, message: string, retry: 'backoff' | 'never']>> =
  {
    SQLITE_FULL: ['disk_full', 'the disk that holds the data folder is full', 'backoff'],
    SQLITE_BUSY: ['store_busy', 'the database is busy', 'backoff'],
    SQLITE_IOERR: ['store_io', 'the database could not be read or written', 'backoff'],
    SQLITE_CANTOPEN: ['store_io', 'the database could not be opened', 'backoff'],
    SQLITE_READONLY: ['store_io', 'the database is read-only', 'backoff'],
    SQLITE_CORRUPT: ['store_corrupt', 'the database is damaged; restore a backup', 'never'],
    SQLITE_NOTADB: ['store_corrupt', 'the file is not a database; restore a backup', 'never'],
  };

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** A Fault for what the disk, the lock or the file caused; anything else is returned unchanged. */
export function toFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const known = codes[codeOf(error)];
  if (known !== undefined) return new Fault(known[0], known[1], { retry: known[2], cause: error });
  if (error instanceof Error && error.name === 'KnexTimeoutError')
    return new Fault('store_busy', 'no database connection became free in time', {
      retry: 'backoff',
      cause: error,
    });
  return error;
}

/** Runs `work` and lets only Faults and assertions out of it. */
export async function faulted<T>(work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFault(error);
  }
}
