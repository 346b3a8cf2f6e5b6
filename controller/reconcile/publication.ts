/** Holds the snapshot in force and calls the subscribers when a new one replaces it. */
import type { Snapshot } from '../domain/decision.ts';
import { type InTurn, makeTurns } from '../domain/turns.ts';
import type { Picture } from '../ports/index.ts';

export interface Publication extends Picture {
  /** Puts a committed snapshot in force, then calls the subscribers in the order of their subscription. */
  publish(next: Snapshot): void;
  /** Puts a snapshot with the same offers in force, for example with more served time. Subscribers are not called. */
  replace(next: Snapshot): void;
  /**
   * Runs one task at a time. A task reads the snapshot, commits a change and puts it in force. Tasks must never wait for Git
   * or GitHub, so that neither can delay a halt.
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
