/** Sessions that live as long as the process, kept under the hash of their id. */
import { createHash } from 'node:crypto';
import type { Session, Sessions } from '../ports/index.ts';

/** Nobody has so many people; more than that is somebody who signs in again and again. */
const MOST = 10_000;

const keyOf = (id: string): string => createHash('sha256').update(id).digest('hex');

export function memorySessions(options: {
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Buffer;
}): Sessions {
  const kept = new Map<string, Session>();
  return {
    begin: async session => {
      const id = options.randomBytes(32).toString('base64url');
      kept.set(keyOf(id), session);
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST) break;
        kept.delete(oldest);
      }
      return id;
    },
    find: async id => {
      const key = keyOf(id);
      const session = kept.get(key);
      if (session === undefined || session.expiresAtMs > options.nowMs()) return session;
      kept.delete(key);
      return undefined;
    },
    end: async id => void kept.delete(keyOf(id)),
  };
}
