/**
 * One comment, found by its hidden marker and our own login, and edited in place. A crash, a lost answer or a race does
 * not leave a second one. Nothing is sent if the text has not changed.
 */
import { createHash } from 'node:crypto';
import type { KeyValueStore } from '../ports/index.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';
import { KEEP_MS } from './remembered.ts';

interface CommentPlace {
  readonly pull: number;
  /** Names the comment within the pull request: `console`, or `notice` with revision and state. */
  readonly name: string;
}

export interface Comments {
  /** Creates the comment or changes its text. */
  put(place: CommentPlace, text: string): Promise<StandingComment>;
}

interface StandingComment {
  readonly id: number;
  /** True if something was sent. */
  readonly written: boolean;
  /** When it was last changed, by GitHub's clock, Unix ms. */
  readonly sinceMs: number;
}

interface Known {
  readonly id: number;
  readonly hash: string;
  readonly sinceMs: number;
}

interface Found {
  readonly id: number;
  readonly body: string;
  readonly sinceMs: number;
}

/** GitHub counts characters; the marker is counted too. */
const MAX_COMMENT_CHARS = 65_536;
const PER_PAGE = 100;

export const markerOf = (name: string): string => `<!-- nexmdm-ota:${name} -->`;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function makeComments(github: GitHub, store: KeyValueStore, nowMs: () => number): Comments {
  const remember = (key: string, known: Known): Promise<void> =>
    store.set(key, JSON.stringify(known), nowMs() + KEEP_MS);

  /** Our comments on this pull request, oldest first. Others may quote the marker, so the login is checked too. */
  async function find({ pull, name }: CommentPlace): Promise<Found[]> {
    const login = await github.login();
    const all = await github.call('comment.find', (octokit, at) =>
      octokit.paginate(octokit.rest.issues.listComments, { ...at, issue_number: pull, per_page: PER_PAGE }),
    );
    return all
      .filter(c => c.user?.login === login && (c.body ?? '').startsWith(markerOf(name)))
      .map(c => ({ id: c.id, body: c.body ?? '', sinceMs: Date.parse(c.updated_at) }))
      .sort((a, b) => a.id - b.id);
  }

  async function update(id: number, body: string): Promise<StandingComment> {
    const { data } = await github.call('comment.update', (octokit, at) =>
      octokit.rest.issues.updateComment({ ...at, comment_id: id, body }),
    );
    return { id, written: true, sinceMs: Date.parse(data.updated_at) };
  }

  async function drop(id: number): Promise<void> {
    try {
      await github.call('comment.delete', (octokit, at) =>
        octokit.rest.issues.deleteComment({ ...at, comment_id: id }),
      );
    } catch (error) {
      if (!gone(error)) throw error; // already deleted by somebody else
    }
  }

  /** Keeps the oldest comment, so that two racing processes keep the same one. */
  async function converge(place: CommentPlace, body: string): Promise<StandingComment | undefined> {
    const [first, ...surplus] = await find(place);
    for (const { id } of surplus) await drop(id);
    if (first === undefined) return undefined;
    if (first.body !== body) return update(first.id, body);
    return { id: first.id, written: surplus.length > 0, sinceMs: first.sinceMs };
  }

  async function create(place: CommentPlace, body: string): Promise<StandingComment> {
    const { pull } = place;
    await github.call('comment.create', (octokit, at) =>
      octokit.rest.issues.createComment({ ...at, issue_number: pull, body }),
    );
    const settled = await converge(place, body);
    if (settled === undefined)
      throw new GitHubFault('github_comment_lost', `the comment on #${pull} is not listed yet`, {
        retry: 'backoff',
      });
    return { ...settled, written: true };
  }

  return {
    put: async (place, text) => {
      const body = `${markerOf(place.name)}\n${text}`;
      if (body.length > MAX_COMMENT_CHARS)
        throw new Error(`assertion: a comment of ${body.length} characters`);
      const key = `github:comment:${place.pull}:${place.name}`;
      const hash = hashOf(body);
      const stored = await store.get(key);
      const known = stored === undefined ? undefined : (JSON.parse(stored) as Known);
      if (known?.hash === hash) return { id: known.id, written: false, sinceMs: known.sinceMs };
      if (known !== undefined) {
        try {
          const standing = await update(known.id, body);
          await remember(key, { id: known.id, hash, sinceMs: standing.sinceMs });
          return standing;
        } catch (error) {
          if (!gone(error)) throw error; // deleted by somebody: look for another one, else create it again
        }
      }
      const done = (await converge(place, body)) ?? (await create(place, body));
      await remember(key, { id: done.id, hash, sinceMs: done.sinceMs });
      return done;
    },
  };
}

const gone = (error: unknown): boolean => error instanceof GitHubFault && error.code === 'github_not_found';
