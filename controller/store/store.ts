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
  Feed,
  HaltStore,
  HistoryStore,
  InstallationStore,
  KeyValueStore,
  LeaderRequests,
  OutboxStore,
  OutcomeStore,
  PastStore,
  RampStore,
  Replicas,
  RevisionStore,
  Role,
  Sessions,
} from '../ports/index.ts';
import { makeAdminStore } from './admins.ts';
import { makeAdoptionStore } from './adoption.ts';
import { makeAuditStore } from './audit.ts';
import { backupDatabase } from './backup.ts';
import { makeConfirmations } from './confirmations.ts';
import { type Db, makeDb } from './db.ts';
import { makeDesiredStore } from './desired.ts';
import { makeDeviceStore } from './devices.ts';
import { makeFailureStore } from './failures.ts';
import { makeFeed, newestChange, type StoreFeed } from './feed.ts';
import { DATABASE_FILE, lockFolder, prepareFolder } from './folder.ts';
import { makeHaltStore } from './halts.ts';
import { makeHistoryStore } from './history.ts';
import { makeInstallationStore } from './installation.ts';
import { makeKeyValueStore } from './key-values.ts';
import { type LastMoment, makeLastMoment } from './last-moment.ts';
import { type Leader, type Lease, makeLease, readLeader } from './lease.ts';
import { refuseMoved } from './moves.ts';
import { takeOverOldClock } from './old-clock.ts';
import { openEngine } from './opening.ts';
import type { StoreOptions } from './options.ts';
import { makeOutboxStore } from './outbox.ts';
import { makeOutcomeStore } from './outcomes.ts';
import { makePastStore } from './past.ts';
import { makeRampStore } from './ramp.ts';
import { forgetReplica, makeReplicas, pruneChanges, reportReplica } from './replicas.ts';
import { makeRequests } from './requests.ts';
import { makeRevisionStore } from './revisions.ts';
import { makeSessionStore } from './sessions.ts';

export { backupFolder } from './backup.ts';
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
  /** The same values, which only the leader may write. Faults `not_leading`, `lease_lost`. */
  readonly leaderValues: KeyValueStore;
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
  /** Changes by other controllers; undefined with SQLite. */
  readonly feed: Feed | undefined;
  /** Requests to the leader; undefined with SQLite. */
  readonly requests: LeaderRequests | undefined;
  /** Whether this controller leads; always true with SQLite. */
  readonly leads: boolean;
  /** The leader. `isAlive` is false if nobody leads, and with SQLite. */
  leader(): Promise<Leader>;
  /** Takes the lead if nobody has it. True if this controller leads now. */
  tryToLead(): Promise<boolean>;
  /**
   * Resolves if the database answers and is still ours; with PostgreSQL it also reads the changes of other controllers.
   * Faults `lease_lost`, `fell_behind`, `store_unreachable` and others.
   */
  checkDatabase(): Promise<void>;
  /** With PostgreSQL: reports that this controller runs; the leader also extends its lease. Faults as `checkDatabase`. */
  renew(report?: unknown): Promise<void>;
  /** Resolves if this controller leads now. Faults `not_leading`, `lease_lost`. */
  requireLead(): Promise<void>;
  /** With PostgreSQL: lets another controller lead from now on. Once one does, writes of this one as the leader are refused. */
  handOver(): Promise<void>;
  /** Copies the database while it is in use. Faults `backup_exists`, `disk_full`, `store_io`; `backup_no_database` on PostgreSQL. */
  backup(toFile: string): Promise<void>;
  /** Writes buffered check-ins, waits for queued writes, and releases the folder. */
  close(): Promise<void>;
}

const LEASE_MS = 6_000;
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
  const db = reportingLoss(opened, options.onOvertaken);
  const lease = makeLease(db, isShared ? (options.leaseMs ?? LEASE_MS) : undefined);
  const feed = isShared ? makeFeed(db, await join(db, options)) : undefined;
  const leaderDb = isShared ? fenced(db, lease) : db;
  const devices = await makeDeviceStore({ db, nowMs, onFault, flushAt, feed });
  const admins = await makeAdminStore(db, nowMs, feed);
  const confirmations = makeConfirmations(db, fault => onFault('check_ins', fault));
  feed?.setMemory({ ...devices.memory, admins: admins.refresh });
  await feed?.catchUp();
  let timer: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  const reportSelf = async (trx: Knex, report: unknown): Promise<void> => {
    const leads = lease.epoch !== undefined;
    if (leads) await lease.renew(trx, report);
    await sayRole(trx, options, feed, leads ? 'leads' : 'follows');
    if (leads) await pruneChanges(trx);
  };
  const tryToLead = async (): Promise<boolean> => {
    const leads = await lease.take();
    if (leads && isShared) await db.write(trx => reportSelf(trx, undefined));
    return leads;
  };
  const leave = async (trx: Knex): Promise<void> => {
    await lease.release(trx);
    if (options.self !== undefined) await forgetReplica(trx, options.self);
  };

  async function close(): Promise<void> {
    clearInterval(timer);
    try {
      await confirmations.settled();
      await devices.store.flush();
    } finally {
      if (isShared) await opened.write(leave).catch(() => undefined); // it ends by itself
      await db.close();
      await unlock();
    }
  }

  // Runs last, because reading a large fleet takes longer than a lease lasts.
  await tryToLead();
  return {
    desired: makeDesiredStore(db, lease, nowMs),
    outbox: makeOutboxStore(db, leaderDb, nowMs),
    audit: makeAuditStore(db, nowMs),
    devices: devices.store,
    outcomes: makeOutcomeStore(db, leaderDb, confirmations, nowMs),
    admins: admins.store,
    adoption: makeAdoptionStore(leaderDb),
    keyValues: makeKeyValueStore(db, nowMs),
    leaderValues: makeKeyValueStore(leaderDb, nowMs),
    lastMoment: makeLastMoment(leaderDb),
    ramps: makeRampStore(db, lease, nowMs),
    revisions: makeRevisionStore(db),
    halts: makeHaltStore(db, lease, nowMs),
    history: makeHistoryStore(leaderDb),
    past: makePastStore(db),
    failures: makeFailureStore(db),
    sessions: makeSessionStore(db, nowMs),
    replicas: makeReplicas(db, isShared),
    installation: makeInstallationStore(db),
    feed,
    requests: isShared ? makeRequests(db, leaderDb) : undefined,
    get leads() {
      return lease.epoch !== undefined;
    },
    leader: () => db.readNow(readLeader),
    tryToLead,
    start: (intervalMs = FLUSH_EVERY_MS) => {
      timer ??= setInterval(() => {
        confirmations.resume();
        devices.store.flush().catch(fault => onFault('check_ins', fault));
      }, intervalMs).unref();
    },
    checkDatabase: async () => {
      await db.readNow(async reader => {
        await refuseMoved(reader);
        if (lease.epoch !== undefined) await lease.hold(reader);
      });
      await feed?.catchUp();
    },
    renew: report => db.write(trx => reportSelf(trx, report)),
    requireLead: () => db.readNow(lease.hold),
    handOver: async () => {
      if (isShared) await db.write(lease.release).catch(() => undefined); // it ends by itself
    },
    backup: toFile => backupDatabase(path.join(folder, DATABASE_FILE), toFile),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Called before memory is filled, so that changes from now on are kept for this controller. Returns the newest one. */
const join = (db: Db, options: StoreOptions): Promise<number> =>
  db.write(async trx => {
    const changeId = await newestChange(trx);
    await sayRole(trx, options, { changeId }, 'follows');
    return changeId;
  });

async function sayRole(
  trx: Knex,
  { self }: StoreOptions,
  feed: Pick<StoreFeed, 'changeId'> | undefined,
  role: Role,
): Promise<void> {
  if (self !== undefined && feed !== undefined)
    await reportReplica(trx, self, { role, changeId: feed.changeId });
}

/** Writes that only the leader may do: each checks the lease in its own transaction. */
const fenced = (db: Db, lease: Lease): Db => ({
  ...db,
  write: job =>
    db.write(async trx => {
      await lease.hold(trx);
      return job(trx);
    }),
});

/** After one of these faults this process must not write any more, because another one does. */
const OVERTAKEN_CODES: ReadonlySet<string> = new Set(['lease_lost', 'installation_moved', 'fell_behind']);

function reportingLoss(db: Db, onOvertaken: StoreOptions['onOvertaken'] = () => undefined): Db {
  let told = false;
  const tell = (error: unknown): never => {
    const code = faultCode(error);
    if (!told && OVERTAKEN_CODES.has(code)) {
      told = true;
      onOvertaken(code);
    }
    throw error;
  };
  return {
    ...db,
    read: query => db.read(query).catch(tell),
    readNow: query => db.readNow(query).catch(tell),
    write: job => db.write(job).catch(tell),
  };
}
