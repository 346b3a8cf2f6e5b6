/** The options of a store. */
import type { InstallationStore } from '../ports/index.ts';
import type { OnFault } from './devices.ts';
import type { Migration } from './migration.ts';
import type { PostgresOptions } from './postgres.ts';
import type { Self } from './replicas.ts';
import type { WriteWatch } from './writer.ts';

export interface StoreOptions {
  /** Holds keys, artifacts, and the database unless `database` is given. Created when its parent exists. */
  readonly folder: string;
  /** A PostgreSQL database instead of the SQLite file in the folder. */
  readonly database?: PostgresOptions | undefined;
  readonly nowMs: () => number;
  /** Called with failures of unawaited work: a flush by the timer, a confirmation. Default: they are dropped. */
  readonly onFault?: OnFault;
  /** At this number of waiting check-ins they are written without waiting for the timer. */
  readonly flushAt?: number;
  /** Called once when this process cannot go on: `lease_lost`, `installation_moved` or `fell_behind`. It writes nothing any more. */
  readonly onOvertaken?: ((code: string) => void) | undefined;
  readonly watch?: WriteWatch;
  /** How long a lease in a database in the network lasts without `renew`. Default: 6 s. */
  readonly leaseMs?: number | undefined;
  /** What other controllers and people see of this controller, with a database in the network. */
  readonly self?: Self | undefined;
  /** Called before the database is taken over. If it throws, the store does not open, for that reason. */
  readonly recognise?: ((standing: Standing) => Promise<void>) | undefined;
  /** Default: this binary's own. */
  readonly migrations?: readonly Migration[];
}

export interface Standing {
  /** Devices are enrolled, or once were and are now revoked. */
  readonly enrolled: boolean;
  readonly installation: InstallationStore;
}
