import { Fault } from '../../controller/domain/fault.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A file system's error as a Fault: `disk_full` where that is what it says, else `code`. */
export function systemFault(error: unknown, code: string): Fault {
  if (error instanceof Fault) return error;
  const system = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return FULL.has(system)
    ? new Fault('disk_full', 'no space left on the device', { retry: 'backoff', cause: error })
    : new Fault(code, `file system: ${system}`, { retry: 'backoff', cause: error });
}
