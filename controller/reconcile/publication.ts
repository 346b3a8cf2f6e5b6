/** The snapshot in force, and who wants to know when another takes its place. */
import type { Snapshot } from '../domain/decision.ts';
import type { Picture } from '../ports/index.ts';

export interface Publication extends Picture {
  /** Puts a snapshot that was committed in force, then tells the subscribers in the order of their subscription. */
  publish(next: Snapshot): void;
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
    publish: next => {
      snapshot = next;
      for (const listener of listeners) listener(next);
    },
    subscribe: listener => {
      listeners.push(listener);
    },
  };
}
