/** The snapshot in force, and who wants to know when another takes its place. */
import type { Snapshot } from '../domain/decision.ts';
import { type InTurn, makeTurns } from '../domain/turns.ts';
import type { Picture } from '../ports/index.ts';

export interface Publication extends Picture {
  /** Puts a snapshot that was committed in force, then tells the subscribers in the order of their subscription. */
  publish(next: Snapshot): void;
  /** The same offers with an older ramp: in force at once, and nobody needs to be told. */
  replace(next: Snapshot): void;
  /**
   * One at a time: whoever works on what stands, commits it and puts it in force. Such work never waits for Git or
   * GitHub, so that nothing of theirs holds up a halt.
   */
  readonly inTurn: InTurn;
  /** Called after each publish, until the process ends. It must not throw and must not wait. */
  subscribe(listener: (snapshot: Snapshot) => void): void;
}

export function makePublication(): Publication {
  let snapshot: Snapshot | undefined;
  const listeners: ((snapshot: Snapshot) => void)[] = [];
  return {
    get snapshot() {
      return snapshot;
    },
    inTurn: makeTurns(),
    replace: next => {
      snapshot = next;
    },
    publish: next => {
      snapshot = next;
      for (const listener of listeners) listener(next);
    },
    subscribe: listener => {
      listeners.push(listener);
    },
  };
}
