/**
 * Marks APKs that were deleted from an object store. The object itself is deleted later, when its tombstone is old
 * enough and was checked again. A new upload meanwhile keeps the object.
 */
import { HOUR_MS, MINUTE_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { KeyValueStore } from '../ports/index.ts';

export interface Tombstones {
  has(sha256: Sha256): boolean;
  /** Does nothing if the tombstone exists. */
  set(sha256: Sha256): Promise<void>;
  /** The APK is wanted again. Fault `object_going` while its object is being deleted. */
  clear(sha256: Sha256): Promise<void>;
  /** The tombstones that are old enough. */
  due(): Sha256[];
  /** From now on nobody may upload the APK. False when it is wanted again, or when another controller deletes it. */
  claim(sha256: Sha256): Promise<boolean>;
  /** The object is deleted. */
  done(sha256: Sha256): Promise<void>;
  /** Reads them again: another controller has changed them. */
  refresh(): Promise<void>;
}

const KEY = 'artifacts.tombstones';
const STANDS_FOR_MS = HOUR_MS;
/** After this time an interrupted deletion no longer holds up uploads of its APK. */
const GOES_FOR_MS = 10 * MINUTE_MS;

/** When the tombstone was made, Unix ms. Negative: when the deletion of its object began. */
type Stones = Readonly<Record<Sha256, number>>;

const parsed = (text: string | undefined): Stones => JSON.parse(text ?? '{}') as Stones;

/** Kept in memory too: devices are served while the database cannot be reached, and each download looks here. */
export async function openTombstones(
  values: Pick<KeyValueStore, 'get' | 'change'>,
  nowMs: () => number,
): Promise<Tombstones> {
  let stones = parsed(await values.get(KEY));
  const change = async (next: (before: Stones) => Stones): Promise<void> => {
    stones = parsed(await values.change(KEY, text => JSON.stringify(next(parsed(text)))));
  };
  const without = (before: Stones, sha256: Sha256): Stones =>
    Object.fromEntries(Object.entries(before).filter(([name]) => name !== sha256));
  const isGoing = (mark: number): boolean => mark < 0 && nowMs() + mark < GOES_FOR_MS;
  const isDue = (mark: number): boolean => (mark < 0 ? !isGoing(mark) : nowMs() - mark >= STANDS_FOR_MS);

  return {
    has: sha256 => sha256 in stones,
    set: sha256 =>
      change(before => (before[sha256] === undefined ? { ...before, [sha256]: nowMs() } : before)),
    clear: async sha256 => {
      // Memory may not know yet what another controller has just deleted.
      if (!(sha256 in parsed(await values.get(KEY)))) return;
      await change(before => {
        if (isGoing(before[sha256] ?? 0))
          throw new Fault('object_going', 'this APK is being deleted just now: upload it again in a minute', {
            retry: 'backoff',
          });
        return without(before, sha256);
      });
    },
    due: () =>
      Object.entries(stones)
        .filter(([, mark]) => isDue(mark))
        .map(([sha256]) => sha256),
    claim: async sha256 => {
      let isOurs = false;
      await change(before => {
        const mark = before[sha256];
        isOurs = mark !== undefined && isDue(mark);
        return isOurs ? { ...before, [sha256]: -nowMs() } : before;
      });
      return isOurs;
    },
    done: sha256 => change(before => without(before, sha256)),
    refresh: async () => {
      stones = parsed(await values.get(KEY));
    },
  };
}
