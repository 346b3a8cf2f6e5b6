/**
 * Several controllers serve from memory, and each may be half a second behind the others. What is refused for being unknown
 * is looked at a second time, after this controller has taken in all that is committed.
 */
import type { Feed } from '../ports/index.ts';

/** Undefined where one controller is alone: it is never behind. */
export type Fresh = Pick<Feed, 'catchUp'> | undefined;

/** Thrown instead of a refusal that another look may spare. */
export class Behind extends Error {}

/** The second answer where the first is undefined. Rejects when the database cannot be asked. */
export async function afresh<T>(feed: Fresh, look: () => T | undefined): Promise<T | undefined> {
  const found = look();
  if (found !== undefined || feed === undefined) return found;
  await feed.catchUp();
  return look();
}

/** The second answer where the first is {@link Behind}. */
export async function secondLook<T>(feed: Fresh, look: (isSecond: boolean) => T): Promise<T> {
  try {
    return look(feed === undefined);
  } catch (error) {
    if (!(error instanceof Behind)) throw error;
    await feed?.catchUp();
    return look(true);
  }
}
