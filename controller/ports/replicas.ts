/** The controllers on one database. */

/** Both roles serve devices and operators. `leads`: also reads the source, judges, and drains the outbox. */
export type Role = 'leads' | 'follows';

/** One process. */
export interface Replica {
  readonly host: string;
  readonly version: string;
  readonly role: Role;
  /** ms since its last heartbeat, by the database's clock. */
  readonly agoMs: number;
  /** How far its clock is ahead of the database's, ms. */
  readonly clockOffMs: number;
}

export interface Replicas {
  /** Undefined if the database is a file, which only one controller can use. Controllers that shut down cleanly are left out. */
  list(): Promise<readonly Replica[] | undefined>;
}
