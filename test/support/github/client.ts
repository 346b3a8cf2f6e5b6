/** A real client against the stand-in, and small facts kept in memory. */

import type { Event } from '../../../controller/domain/event.ts';
import { type GitHub, type GitHubOptions, makeGitHub } from '../../../controller/github/client.ts';
import type { KeyValueStore } from '../../../controller/ports/index.ts';
import type { Hub } from './hub.ts';

export interface Clocked {
  readonly nowMs: () => number;
  advance(ms: number): void;
}

export const START_MS = Date.UTC(2026, 10, 20, 9, 0, 0);

export function makeClock(startMs = START_MS): Clocked {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance: ms => {
      nowMs += ms;
    },
  };
}

export function makeFacts(nowMs: () => number): KeyValueStore & { readonly size: number } {
  const rows = new Map<string, { value: string; expiresAtMs: number }>();
  const live = (key: string): string | undefined => {
    const row = rows.get(key);
    return row !== undefined && row.expiresAtMs > nowMs() ? row.value : undefined;
  };
  return {
    get size() {
      return rows.size;
    },
    get: async key => live(key),
    set: async (key, value, expiresAtMs = Number.POSITIVE_INFINITY) => {
      rows.set(key, { value, expiresAtMs });
    },
    change: async (key, next) => {
      const value = next(live(key));
      rows.set(key, { value, expiresAtMs: Number.POSITIVE_INFINITY });
      return value;
    },
    claim: async (key, value, expiresAtMs = Number.POSITIVE_INFINITY) => {
      if (live(key) !== undefined) return false;
      rows.set(key, { value, expiresAtMs });
      return true;
    },
    keep: async (key, value) => {
      rows.set(key, { value, expiresAtMs: Number.POSITIVE_INFINITY });
    },
    delete: async key => {
      rows.delete(key);
    },
  };
}

export async function withGitHub<T>(
  hub: Hub,
  use: (github: GitHub, events: Event[]) => Promise<T>,
  over: Partial<GitHubOptions> = {},
): Promise<T> {
  const events: Event[] = [];
  const github = makeGitHub({
    owner: hub.state.owner,
    repo: hub.state.repo,
    baseUrl: hub.apiUrl,
    auth: { kind: 'token', token: hub.token },
    nowMs: hub.state.nowMs,
    observe: event => events.push(event),
    timeoutMs: 2_000,
    contentWriteIntervalMs: 0,
    readRetryMs: 1,
    ...over,
  });
  try {
    return await use(github, events);
  } finally {
    github.stop();
  }
}
