/**
 * Several controllers serve from memory, and each may be half a second behind the others. When a request is refused
 * because something is unknown, the controller first catches up with all committed changes and then decides again.
 */
import type { Feed } from '../ports/index.ts';

/** Undefined for a single controller, which is never behind. */
export type CatchUp = Pick<Feed, 'catchUp'> | undefined;

/** Thrown instead of a refusal that a second look may avoid. */
export class Behind extends Error {}

/** Calls again after catching up if the first answer is undefined. Rejects when the database cannot be asked. */
export async function findOrCatchUp<T>(feed: CatchUp, look: () => T | undefined): Promise<T | undefined> {
  const found = look();
  if (found !== undefined || feed === undefined) return found;
  await feed.catchUp();
  return look();
}

/** Calls again after catching up if the first call throws {@link Behind}. */
export async function retryAfterCatchUp<T>(feed: CatchUp, look: (isSecond: boolean) => T): Promise<T> {
  try {
    return look(feed === undefined);
  } catch (error) {
    if (!(error instanceof Behind)) throw error;
    await feed?.catchUp();
    return look(true);
  }
}
