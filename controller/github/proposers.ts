/**
 * Who asked for a pull request that the controller opened. GitHub names our own login as its author, so without this a
 * person could approve the change that they asked for themselves.
 */
import { accountOfActor } from '../domain/actor.ts';
import { Fault } from '../domain/fault.ts';
import type { KeyValueStore } from '../ports/index.ts';
import { KEEP_MS } from './remembered.ts';

export interface Proposer {
  /** `admin:<token name>`, or `person:<subject> (<name>)`. */
  readonly actor: string;
  /** Their login on GitHub; undefined: not known, so one more approval is needed than the policy asks for. */
  readonly login: string | undefined;
}

export interface Proposers {
  /** The same change asked for by several people is one pull request, and each of them its proposer. */
  record(pull: number, actor: string): Promise<void>;
  /** None for a pull request that its author opened. */
  of(pull: number): Promise<readonly Proposer[]>;
}

/** More than any team has; who comes after them is refused, since their approval could not be told from another's. */
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
        // Claimed, so that of two who press at once neither takes the other's place.
        if (await store.claim(key(pull, place), actor, untilMs)) return;
        const holder = await store.get(key(pull, place));
        if (holder !== undefined && accountOfActor(holder) === accountOfActor(actor)) return;
      }
      throw new Fault('proposers_full', `#${pull} was asked for by ${MOST} people already`, {
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

/** GitHub knows a login in any case. */
export const isOwn = (login: string, proposers: readonly Proposer[]): boolean =>
  proposers.some(proposer => proposer.login?.toLowerCase() === login.toLowerCase());

/** One more for each whose approval could be their own without anybody being able to tell. */
export const neededWith = (needed: number, proposers: readonly Proposer[]): number =>
  needed === 0 ? 0 : needed + proposers.filter(({ login }) => login === undefined).length;
