/** The snapshot in force, and the subscribers that are told when another takes its place. */
import type { Snapshot } from '../domain/decision.ts';
import { type InTurn, makeTurns } from '../domain/turns.ts';
import type { Picture } from '../ports/index.ts';

export interface Publication extends Picture {
  /** Puts a snapshot that was committed in force, then tells the subscribers in the order of their subscription. */
  publish(next: Snapshot): void;
  /** Puts a snapshot with the same offers in force, such as one whose ramp only grew older. Subscribers are not told. */
  replace(next: Snapshot): void;
  /**
   * Runs one at a time what reads the snapshot, commits a change and puts it in force. Such work never waits for Git or
   * GitHub, so that neither can delay a halt.
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
