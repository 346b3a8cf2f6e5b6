/**
 * Who asked for a pull request that the controller opened. GitHub names our own login as its author, so without this a
 * person could approve the change that they asked for themselves.
 */
import { accountOfActor } from '../domain/actor.ts';
import type { KeyValueStore } from '../ports/index.ts';
import { KEEP_MS } from './remembered.ts';

export interface Proposer {
  /** `admin:<token name>`, or `person:<subject> (<name>)`. */
  readonly actor: string;
  /** Their login on GitHub; undefined: not known, so one more approval is needed than the policy asks for. */
  readonly login: string | undefined;
}

export interface Proposers {
  record(pull: number, actor: string): Promise<void>;
  /** Undefined for a pull request that its author opened. */
  of(pull: number): Promise<Proposer | undefined>;
}

/** `logins`: GitHub logins by the name of an operator, or by `person:<subject>`. */
export function makeProposers(
  store: KeyValueStore,
  logins: ReadonlyMap<string, string>,
  nowMs: () => number,
): Proposers {
  const key = (pull: number): string => `github:proposer:${pull}`;
  return {
    record: (pull, actor) => store.set(key(pull), actor, nowMs() + KEEP_MS),
    of: async pull => {
      const actor = await store.get(key(pull));
      if (actor === undefined) return undefined;
      return { actor, login: logins.get(accountOfActor(actor)) };
    },
  };
}

/** One more where an approval could be the proposer's own and nobody could tell. */
export const neededWith = (needed: number, proposer: Proposer | undefined): number =>
  needed > 0 && proposer !== undefined && proposer.login === undefined ? needed + 1 : needed;
