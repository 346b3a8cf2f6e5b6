/**
 * The people who requested a pull request that the controller opened. GitHub shows our own login as its author, so
 * without this record people could approve their own change.
 */
import { accountOfActor } from '../domain/actor.ts';
import { Fault } from '../domain/fault.ts';
import type { KeyValueStore } from '../ports/index.ts';
import { KEEP_MS } from './remembered.ts';

export interface Proposer {
  /** `admin:<token name>`, or `person:<subject> (<name>)`. */
  readonly actor: string;
  /** Their login on GitHub; undefined: not known, so one more approval than the policy requires is needed. */
  readonly login: string | undefined;
}

export interface Proposers {
  /**
   * Called before the pull request is opened from this branch, so that an outage afterwards loses nobody. If several
   * people request the same change, it is one pull request with several proposers.
   */
  record(branch: string, actor: string): Promise<void>;
  /** Empty for a pull request that a person opened on GitHub. */
  of(pull: ProposedPull): Promise<readonly Proposer[]>;
}

export interface ProposedPull {
  readonly number: number;
  /** The branch with the change. */
  readonly branch: string;
}

/** More than any team has. Further people are rejected, because their own approval could not be recognised. */
const MOST = 20;

/** `logins`: GitHub logins by the name of an operator, or by `person:<subject>`. */
export function makeProposers(
  store: KeyValueStore,
  logins: ReadonlyMap<string, string>,
  nowMs: () => number,
): Proposers {
  const key = (branch: string, place: number): string => `github:proposer-of:${place}:${branch}`;
  /** Written by earlier versions, after the pull request was opened. */
  const oldKey = (pull: number, place: number): string =>
    place === 0 ? `github:proposer:${pull}` : `github:proposer:${pull}:${place}`;

  async function actorsAt(keyOf: (place: number) => string): Promise<string[]> {
    const actors: string[] = [];
    for (let place = 0; place < MOST; place += 1) {
      const actor = await store.get(keyOf(place));
      if (actor === undefined) break;
      actors.push(actor);
    }
    return actors;
  }

  return {
    record: async (branch, actor) => {
      const untilMs = nowMs() + KEEP_MS;
      for (let place = 0; place < MOST; place += 1) {
        // A claim, so that two people at once do not overwrite each other.
        if (await store.claim(key(branch, place), actor, untilMs)) return;
        const holder = await store.get(key(branch, place));
        if (holder !== undefined && accountOfActor(holder) === accountOfActor(actor)) return;
      }
      throw new Fault('proposers_full', `this change was already requested by ${MOST} people`, {
        retry: 'never',
      });
    },
    of: async ({ number, branch }) => {
      const actors = await actorsAt(place => key(branch, place));
      const before = await actorsAt(place => oldKey(number, place));
      return [...actors, ...before].map(actor => ({ actor, login: logins.get(accountOfActor(actor)) }));
    },
  };
}

/** Logins on GitHub are case-insensitive. */
export const isOwn = (login: string, proposers: readonly Proposer[]): boolean =>
  proposers.some(proposer => proposer.login?.toLowerCase() === login.toLowerCase());

/** One more for each proposer without a known login, because they might approve their own change. */
export const neededWith = (needed: number, proposers: readonly Proposer[]): number =>
  needed === 0 ? 0 : needed + proposers.filter(({ login }) => login === undefined).length;
