/** Disk space for APKs. Uploads under way count, so that two of them cannot share the last free space. */
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';

interface Quota {
  readonly usedBytes: number;
  /** Counts an APK with this size; `undefined` when it is gone. */
  count(sha256: Sha256, sizeBytes: number | undefined): void;
  /** Sets what is stored now: another controller may share the folder. */
  recount(stored: ReadonlyMap<Sha256, number>): void;
  /** Reserves space for one upload. The space of the APK that it replaces can be used as well. */
  reserve(replaces: Sha256): Reservation;
}

export interface Reservation {
  /** Fault `quota_exceeded`. */
  add(bytes: number): void;
  /** The upload is stored: from now on its bytes count under its name. */
  keep(): void;
  /** Frees the reserved space that was not used. */
  release(): void;
}

export function makeQuota(limitBytes: number, stored: ReadonlyMap<Sha256, number>): Quota {
  const counted = new Map(stored);
  let used = [...counted.values()].reduce((sum, bytes) => sum + bytes, 0);

  function count(sha256: Sha256, sizeBytes: number | undefined): void {
    used += (sizeBytes ?? 0) - (counted.get(sha256) ?? 0);
    if (sizeBytes === undefined) counted.delete(sha256);
    else counted.set(sha256, sizeBytes);
  }

  function reserve(replaces: Sha256): Reservation {
    let reserved = 0;
    const release = (): void => {
      used -= reserved;
      reserved = 0;
    };
    return {
      add: bytes => {
        if (used - (counted.get(replaces) ?? 0) + bytes > limitBytes)
          throw new Fault('quota_exceeded', `the artifact store is full (${limitBytes} bytes)`, {
            retry: 'never',
          });
        used += bytes;
        reserved += bytes;
      },
      keep: () => {
        const sizeBytes = reserved;
        release();
        count(replaces, sizeBytes);
      },
      release,
    };
  }

  return {
    get usedBytes() {
      return used;
    },
    count,
    recount: now => {
      for (const sha256 of counted.keys()) if (!now.has(sha256)) count(sha256, undefined);
      for (const [sha256, sizeBytes] of now) count(sha256, sizeBytes);
    },
    reserve,
  };
}
