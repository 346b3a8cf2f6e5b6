/** Turns errors of the operating system into Faults; our own mistakes pass through unchanged. */
import { Fault } from '../domain/fault.ts';

export const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The Fault `disk_full` or `artifact_io` for an error of the operating system; anything else is returned unchanged. */
function toArtifactFault(cause: unknown): unknown {
  if (cause instanceof Fault) return cause;
  const errno = errnoOf(cause);
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return new Fault('disk_full', 'the disk that holds the artifacts is full', { retry: 'backoff', cause });
  if (!/^E[A-Z0-9]+$/.test(errno)) return cause;
  return new Fault('artifact_io', `the artifact store could not be read or written (${errno})`, {
    retry: 'backoff',
    cause,
  });
}

/** Runs `work` and turns errors of the operating system into Faults. */
export async function faulted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toArtifactFault(error);
  }
}
