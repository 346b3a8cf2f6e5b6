/** How controllers on one database learn what the others have changed. */

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

/** A word to all controllers that no row says. */
export type Signal = 'clock_confirmed' | 'source_hint' | 'pulls_hint';

export interface Feed {
  /**
   * Resolves once memory shows all that was committed before the call, and listeners have taken it. Faults `fell_behind`,
   * `store_unreachable` and others.
   */
  catchUp(): Promise<void>;
  /** Tells all controllers, this one too. */
  signal(signal: Signal): Promise<void>;
  /**
   * Called after changes of these topics were taken in, one call after the other. One that rejects is called again with the
   * same topics, and `catchUp` rejects until it has taken them. It must not wait for `catchUp`.
   */
  subscribe(listener: (topics: ReadonlySet<Topic>) => Promise<void>): void;
}
