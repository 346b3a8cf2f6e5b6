/** The store behind the ports of `controller/ports/`: one SQLite file in the data folder, or a PostgreSQL database. */
import path from 'node:path';
import type { Knex } from 'knex';
import { faultCode } from '../domain/fault.ts';
import type {
  AdminStore,
  AdoptionStore,
  AuditStore,
  DesiredStore,
  DeviceStore,
  FailureStore,
  HaltStore,
  HistoryStore,
  InstallationStore,
  KeyValueStore,
  OutboxStore,
  OutcomeStore,
  PastStore,
  RampStore,
  Replicas,
  RevisionStore,
  Sessions,
} from '../ports/index.ts';
import { makeAdminStore } from './admins.ts';
import { makeAdoptionStore } from './adoption.ts';
import { makeAuditStore } from './audit.ts';
import { backupDatabase } from './backup.ts';
import { type Db, makeDb } from './db.ts';
import { makeDesiredStore } from './desired.ts';
import { makeDeviceStore } from './devices.ts';
import { makeFailureStore } from './failures.ts';
import { DATABASE_FILE, lockFolder, prepareFolder } from './folder.ts';
import { makeHaltStore } from './halts.ts';
import { makeHistoryStore } from './history.ts';
import { makeInstallationStore } from './installation.ts';
import { makeKeyValueStore } from './key-values.ts';
import { type LastMoment, makeLastMoment } from './last-moment.ts';
import { type Lease, takeLease } from './lease.ts';
import { refuseMoved } from './moves.ts';
import { takeOverOldClock } from './old-clock.ts';
import { openEngine } from './opening.ts';
import type { StoreOptions } from './options.ts';
import { makeOutboxStore } from './outbox.ts';
import { makeOutcomeStore } from './outcomes.ts';
import { makePastStore } from './past.ts';
import { makeRampStore } from './ramp.ts';
import { forgetSelf, makeReplicas, saySelf } from './replicas.ts';
import { makeRevisionStore } from './revisions.ts';
import { makeSessionStore } from './sessions.ts';

export { backupFolder } from './backup.ts';
export { leaveQueue } from './opening.ts';
export type { Standing, StoreOptions } from './options.ts';

export interface Store {
  readonly desired: DesiredStore;
  readonly outbox: OutboxStore;
  readonly audit: AuditStore;
  readonly devices: DeviceStore;
  readonly outcomes: OutcomeStore;
  readonly admins: AdminStore;
  readonly adoption: AdoptionStore;
  readonly keyValues: KeyValueStore;
  readonly lastMoment: LastMoment;
  readonly ramps: RampStore;
  readonly revisions: RevisionStore;
  readonly halts: HaltStore;
  readonly history: HistoryStore;
  readonly past: PastStore;
  readonly failures: FailureStore;
  readonly sessions: Sessions;
  readonly replicas: Replicas;
  readonly installation: Pick<InstallationStore, 'id'>;
  /** Writes buffered check-ins every `intervalMs` until `close`; never keeps the process alive. */
  start(intervalMs?: number): void;
  /** Resolves when the database answers and this controller may write to it. Faults `lease_lost`, `store_unreachable` and others. */
  reach(): Promise<void>;
  /** Puts the end of the lease off, with PostgreSQL. Faults as `reach`. */
  renew(): Promise<void>;
  /** Copies the database while it is in use. Faults `backup_exists`, `disk_full`, `store_io`; `backup_no_database` on PostgreSQL. */
  backup(toFile: string): Promise<void>;
  /** Writes what is buffered, ends after the writes that wait, releases the folder. */
  close(): Promise<void>;
}

const LEASE_MS = 8_000;
const FLUSH_EVERY_MS = 2_000;
const FLUSH_AT = 20_000;

/**
 * Locks the data folder, opens and migrates the database, and loads the device registry.
 * Faults `data_folder_unwritable`, `data_folder_locked`, `schema_newer`, `store_corrupt`, `store_io`, `disk_full`,
 * `store_unreachable`, `store_refused`, `database_twice`, `database_not_ours`, `installation_moved`, `copy_unfinished`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  await prepareFolder(options.folder);
  const unlock = await lockFolder(options.folder);
  let db: Db | undefined;
  try {
    db = makeDb(await openEngine(options), options.watch);
    await options.recognise?.({ enrolled: await anyDevice(db), installation: makeInstallationStore(db) });
    await takeOverOldClock(db, options.nowMs);
    return await makeStore(options, db, unlock);
  } catch (error) {
    try {
      await db?.close();
    } finally {
      await unlock();
    }
    throw error;
  }
}

const anyDevice = (db: Db): Promise<boolean> =>
  db.read(async reader => (await reader('devices').first('device_id')) !== undefined);

async function makeStore(options: StoreOptions, opened: Db, unlock: () => Promise<void>): Promise<Store> {
  const { folder, nowMs, onFault = () => undefined, flushAt = FLUSH_AT } = options;
  const isShared = options.database !== undefined;
  const lease = await takeLease(opened, {
    forMs: isShared ? (options.leaseMs ?? LEASE_MS) : undefined,
    standby: options.standby === true,
  });
  // A data folder has one controller by its lock; a database in the network has the one that opened it last.
  const db = telling(isShared ? holding(opened, lease) : opened, options.onOvertaken);
  const devices = await makeDeviceStore({ db, nowMs, onFault, flushAt });
  const admins = await makeAdminStore(db, nowMs);
  let timer: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  const renew = async (trx: Knex): Promise<void> => {
    await lease.renew(trx);
    if (options.self !== undefined) await saySelf(trx, options.self, 'leads');
  };
  const leave = async (trx: Knex): Promise<void> => {
    await lease.release(trx);
    if (options.self !== undefined) await forgetSelf(trx, options.self);
  };

  async function close(): Promise<void> {
    clearInterval(timer);
    try {
      await devices.flush();
      if (isShared) await opened.write(leave).catch(() => undefined); // it ends by itself
    } finally {
      await db.close();
      await unlock();
    }
  }

  return {
    desired: makeDesiredStore(db, lease, nowMs),
    outbox: makeOutboxStore(db, nowMs),
    audit: makeAuditStore(db, nowMs),
    devices,
    outcomes: makeOutcomeStore(db, nowMs),
    admins,
    adoption: makeAdoptionStore(db),
    keyValues: makeKeyValueStore(db, nowMs),
    lastMoment: makeLastMoment(db),
    ramps: makeRampStore(db, lease, nowMs),
    revisions: makeRevisionStore(db),
    halts: makeHaltStore(db, lease, nowMs),
    history: makeHistoryStore(db),
    past: makePastStore(db),
    failures: makeFailureStore(db),
    sessions: makeSessionStore(db, nowMs),
    replicas: makeReplicas(db, isShared),
    installation: makeInstallationStore(db),
    start: (intervalMs = FLUSH_EVERY_MS) => {
      timer ??= setInterval(
        () => void devices.flush().catch(fault => onFault('check_ins', fault)),
        intervalMs,
      ).unref();
    },
    reach: () =>
      db.read(async reader => {
        await refuseMoved(reader);
        await lease.hold(reader);
      }),
    renew: () => db.write(renew),
    backup: toFile => backupDatabase(path.join(folder, DATABASE_FILE), toFile),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Every write holds the lease, not only those of the leader's decisions. */
const holding = (db: Db, lease: Lease): Db => ({
  ...db,
  write: job =>
    db.write(async trx => {
      await lease.hold(trx);
      return job(trx);
    }),
});

/** What the one that took over, or the new place, will do instead of us. */
const ELSEWHERE: ReadonlySet<string> = new Set(['lease_lost', 'installation_moved']);

function telling(db: Db, onOvertaken: () => void = () => undefined): Db {
  let told = false;
  const tell = (error: unknown): never => {
    if (!told && ELSEWHERE.has(faultCode(error))) {
      told = true;
      onOvertaken();
    }
    throw error;
  };
  return { ...db, read: query => db.read(query).catch(tell), write: job => db.write(job).catch(tell) };
}
