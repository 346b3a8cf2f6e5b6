/** Tells each controller on a shared database what the others have changed. */

/** What a change is about: one device, the checks of some, or a table of a few rows. */
export type Topic =
  | 'device'
  | 'check_ins'
  | 'admins'
  | 'desired'
  | 'halts'
  | 'ramps'
  | 'tombstones'
  | 'requests'
  | Signal;

/** A message to all controllers that is not stored as a row. */
export type Signal = 'clock_confirmed' | 'source_hint' | 'pulls_hint';

export interface Feed {
  /**
   * Resolves once memory has everything that was committed before the call and the listeners have processed it. Faults
   * `fell_behind`, `store_unreachable` and others.
   */
  catchUp(): Promise<void>;
  /** Sends the signal to all controllers, including this one. */
  signal(signal: Signal): Promise<void>;
  /**
   * The listener is called after memory has the changes of these topics, one call at a time. If it rejects, it is called
   * again with the same topics, and `catchUp` rejects until it succeeds. The listener must not wait for `catchUp`.
   */
  subscribe(listener: (topics: ReadonlySet<Topic>) => Promise<void>): void;
}
