/** Commit statuses: written once per transition, at most 140 characters. */
import type { KeyValueStore } from '../ports/index.ts';
import type { GitHub } from './client.ts';
import { KEEP_MS } from './remembered.ts';

/** `ota/validate`, `ota/plan`, `ota/policy` on heads; `ota/sync`, `ota/rollout` on what was merged. */
export type StatusContext = 'ota/validate' | 'ota/plan' | 'ota/policy' | 'ota/sync' | 'ota/rollout';

export interface CommitStatus {
  readonly sha: string;
  readonly context: StatusContext;
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  readonly description: string;
}

export interface Statuses {
  /** Resolves to true if something was sent. */
  post(status: CommitStatus): Promise<boolean>;
}

interface Known {
  readonly state: CommitStatus['state'];
  readonly description: string;
  /** False between request and answer: the status may or may not exist on GitHub. */
  readonly sure: boolean;
}

const MAX_CHARS = 140;

/** One line of at most 140 characters, cut at a whole character. */
export function clip(text: string, limit = MAX_CHARS): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= limit) return line;
  return `${line.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

export function makeStatuses(github: GitHub, store: KeyValueStore, nowMs: () => number): Statuses {
  /** Our newest status of this context on GitHub. */
  async function standing({ sha, context }: CommitStatus): Promise<Omit<Known, 'sure'> | undefined> {
    const login = await github.login();
    const { data } = await github.call('status.find', (octokit, at) =>
      octokit.rest.repos.listCommitStatusesForRef({ ...at, ref: sha, per_page: 100 }),
    );
    const mine = data.find(s => s.context === context && s.creator?.login === login);
    return mine === undefined
      ? undefined
      : { state: mine.state as Known['state'], description: mine.description ?? '' };
  }

  return {
    post: async wanted => {
      const { sha, context, state } = wanted;
      const description = clip(wanted.description);
      const key = `github:status:${sha}:${context}`;
      const remember = (sure: boolean): Promise<void> =>
        store.set(key, JSON.stringify({ state, description, sure } satisfies Known), nowMs() + KEEP_MS);
      const same = (known: Omit<Known, 'sure'> | undefined): boolean =>
        known?.state === state && known.description === description;

      const stored = await store.get(key);
      let known = stored === undefined ? undefined : (JSON.parse(stored) as Known);
      if (known?.sure === false) {
        const found = await standing(wanted);
        known = found === undefined ? undefined : { ...found, sure: true };
        if (same(known)) await remember(true);
      }
      if (same(known)) return false;
      await remember(false);
      await github.call(`status.${context}`, (octokit, at) =>
        octokit.rest.repos.createCommitStatus({ ...at, sha, context, state, description }),
      );
      await remember(true);
      return true;
    },
  };
}
