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
  /** If several people request the same change, it is one pull request with several proposers. */
  record(pull: number, actor: string): Promise<void>;
  /** Empty for a pull request that a person opened on GitHub. */
  of(pull: number): Promise<readonly Proposer[]>;
}

/** More than any team has. Further people are rejected, because their own approval could not be recognised. */
const MOST = 20;

/** `logins`: GitHub logins by the name of an operator, or by `person:<subject>`. */
export function makeProposers(
  store: KeyValueStore,
  logins: ReadonlyMap<string, string>,
  nowMs: () => number,
): Proposers {
  const key = (pull: number, place: number): string =>
    place === 0 ? `github:proposer:${pull}` : `github:proposer:${pull}:${place}`;

  return {
    record: async (pull, actor) => {
      const untilMs = nowMs() + KEEP_MS;
      for (let place = 0; place < MOST; place += 1) {
        // A claim, so that two people at once do not overwrite each other.
        if (await store.claim(key(pull, place), actor, untilMs)) return;
        const holder = await store.get(key(pull, place));
        if (holder !== undefined && accountOfActor(holder) === accountOfActor(actor)) return;
      }
      throw new Fault('proposers_full', `#${pull} was already requested by ${MOST} people`, {
        retry: 'never',
      });
    },
    of: async pull => {
      const found: Proposer[] = [];
      for (let place = 0; place < MOST; place += 1) {
        const actor = await store.get(key(pull, place));
        if (actor === undefined) break;
        found.push({ actor, login: logins.get(accountOfActor(actor)) });
      }
      return found;
    },
  };
}

/** Logins on GitHub are case-insensitive. */
export const isOwn = (login: string, proposers: readonly Proposer[]): boolean =>
  proposers.some(proposer => proposer.login?.toLowerCase() === login.toLowerCase());

/** One more for each proposer without a known login, because they might approve their own change. */
export const neededWith = (needed: number, proposers: readonly Proposer[]): number =>
  needed === 0 ? 0 : needed + proposers.filter(({ login }) => login === undefined).length;
