/**
 * APKs of a bucket that are gone for everybody, before their objects are deleted. A controller that was paused may wake
 * with an old decision; so an object is deleted only an hour after its tombstone was written, and only while it stands.
 */
import { HOUR_MS } from '../domain/duration.ts';
import type { Sha256 } from '../domain/ids.ts';
import { makeTurns } from '../domain/turns.ts';
import type { KeyValueStore } from '../ports/index.ts';

export interface Tombstones {
  has(sha256: Sha256): Promise<boolean>;
  all(): Promise<ReadonlySet<Sha256>>;
  /** Does nothing for one that stands. */
  set(sha256: Sha256): Promise<void>;
  /** The APK is wanted again, or its object is deleted. */
  clear(sha256: Sha256): Promise<void>;
  /** Those that have stood long enough. */
  ripe(): Promise<Sha256[]>;
}

const KEY = 'artifacts.tombstones';
const STANDS_FOR_MS = HOUR_MS;

type Stones = Readonly<Record<Sha256, number>>;

/** Kept in the store, where only the controller that leads may write. */
export function makeTombstones(values: Pick<KeyValueStore, 'get' | 'set'>, nowMs: () => number): Tombstones {
  const inTurn = makeTurns();
  const read = async (): Promise<Stones> => JSON.parse((await values.get(KEY)) ?? '{}') as Stones;
  const write = (stones: Stones): Promise<void> => values.set(KEY, JSON.stringify(stones));
  return {
    has: async sha256 => sha256 in (await read()),
    all: async () => new Set(Object.keys(await read())),
    set: sha256 =>
      inTurn(async () => {
        const stones = await read();
        if (!(sha256 in stones)) await write({ ...stones, [sha256]: nowMs() });
      }),
    clear: sha256 =>
      inTurn(async () => {
        const { [sha256]: stood, ...left } = await read();
        if (stood !== undefined) await write(left);
      }),
    ripe: async () =>
      Object.entries(await read())
        .filter(([, sinceMs]) => nowMs() - sinceMs >= STANDS_FOR_MS)
        .map(([sha256]) => sha256),
  };
}
