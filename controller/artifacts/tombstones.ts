/**
 * APKs of a bucket that are gone for everybody, before their objects are deleted. A controller that was paused may wake
 * with an old decision; so an object is deleted only an hour after its tombstone was written, and only while it stands.
 */
import { HOUR_MS } from '../domain/duration.ts';
import type { Sha256 } from '../domain/ids.ts';
import { makeTurns } from '../domain/turns.ts';
import type { KeyValueStore } from '../ports/index.ts';

export interface Tombstones {
  has(sha256: Sha256): boolean;
  /** Does nothing for one that stands. */
  set(sha256: Sha256): Promise<void>;
  /** The APK is wanted again, or its object is deleted. */
  clear(sha256: Sha256): Promise<void>;
  /** Those that have stood long enough. */
  ripe(): Sha256[];
}

const KEY = 'artifacts.tombstones';
const STANDS_FOR_MS = HOUR_MS;

type Stones = Readonly<Record<Sha256, number>>;

/**
 * Written to the store, where only the controller that leads may write; so it alone changes them, and what it read at its
 * start holds. Devices are served from memory while the database is away, and their APKs are looked up here.
 */
export async function openTombstones(
  values: Pick<KeyValueStore, 'get' | 'set'>,
  nowMs: () => number,
): Promise<Tombstones> {
  const inTurn = makeTurns();
  let stones: Stones = JSON.parse((await values.get(KEY)) ?? '{}');
  const keep = async (next: Stones): Promise<void> => {
    await values.set(KEY, JSON.stringify(next));
    stones = next;
  };
  return {
    has: sha256 => sha256 in stones,
    set: sha256 =>
      inTurn(async () => {
        if (!(sha256 in stones)) await keep({ ...stones, [sha256]: nowMs() });
      }),
    clear: sha256 =>
      inTurn(async () => {
        const { [sha256]: stood, ...left } = stones;
        if (stood !== undefined) await keep(left);
      }),
    ripe: () =>
      Object.entries(stones)
        .filter(([, sinceMs]) => nowMs() - sinceMs >= STANDS_FOR_MS)
        .map(([sha256]) => sha256),
  };
}
