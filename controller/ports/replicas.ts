/** The controllers on one database. */

/** Both serve devices and operators. `leads`: reads the source, judges, and does what was promised. */
export type Role = 'leads' | 'follows';

/** One process. */
export interface Replica {
  readonly host: string;
  readonly version: string;
  readonly role: Role;
  /** ms since it last said so, by the database's clock. */
  readonly agoMs: number;
  /** How far its clock is ahead of the database's, ms. */
  readonly clockOffMs: number;
}

export interface Replicas {
  /** Undefined where there can be one controller alone: its database is a file. Those that ended in good order are left out. */
  list(): Promise<readonly Replica[] | undefined>;
}
