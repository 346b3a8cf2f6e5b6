/**
 * The fence around what only the leader writes. Whoever takes over raises the epoch; a writer of an older epoch is
 * refused inside its own transaction, so nothing of it is kept. The epoch rises when a store is opened: with SQLite the
 * folder's lock leaves one controller anyway, on PostgreSQL the one that opened the database last is the one that writes.
 * The leader of a database in the network renews the lease by the database's clock, so that one that stands by sees its end.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { Db } from './db.ts';
import { clockMs, transactionAgeMs } from './dialect.ts';

export interface Lease {
  readonly epoch: number;
  /** Fault `lease_lost` when somebody else has taken over since. */
  hold(trx: Knex): Promise<void>;
  /** Puts its end off, where it has one. Fault `lease_lost`. */
  renew(trx: Knex): Promise<void>;
  /** Ends it now, unless it is somebody else's. */
  release(trx: Knex): Promise<void>;
}

export interface LeaseTerms {
  /** How long it holds without being renewed; undefined: for good, with SQLite. */
  readonly forMs: number | undefined;
  /** Take it only when nobody holds it. */
  readonly standby: boolean;
}

interface LeaderRecord {
  readonly id: number;
  readonly epoch: number;
  readonly expires_ms: number;
}

const ONLY = 1;
const BUSY_MS = 500;

/** Fault `lease_held` for one that stands by, while another leads. */
export async function takeLease(db: Db, { forMs, standby }: LeaseTerms): Promise<Lease> {
  const endMs = async (trx: Knex): Promise<number> =>
    forMs === undefined ? 0 : (await clockMs(trx)) + forMs;
  const epoch = await db.write(async trx => {
    if (standby) {
      await refuseBusy(trx);
      await refuseHeld(trx);
    }
    const expires_ms = await endMs(trx);
    await trx<LeaderRecord>('leader').where({ id: ONLY }).update({ expires_ms }).increment('epoch', 1);
    return (await leaderIn(trx)).epoch;
  });
  const hold = async (trx: Knex): Promise<void> => {
    const now = (await leaderIn(trx)).epoch;
    if (now === epoch) return;
    throw new Fault(
      'lease_lost',
      `another controller has taken over (epoch ${now}, ours is ${epoch}): this one writes nothing more`,
      { retry: 'never' },
    );
  };
  return {
    epoch,
    hold,
    renew: async trx => {
      await hold(trx);
      await trx<LeaderRecord>('leader')
        .where({ id: ONLY, epoch })
        .update({ expires_ms: await endMs(trx) });
    },
    release: async trx => {
      await trx<LeaderRecord>('leader').where({ id: ONLY, epoch }).update({ expires_ms: 0 });
    },
  };
}

/**
 * Fault `lease_held` while another controller renews its lease. A database of a version before leases, or without tables,
 * is held by nobody.
 */
export async function refuseHeld(db: Knex): Promise<void> {
  if (!(await db.schema.hasColumn('leader', 'expires_ms'))) return;
  const leader = await leaderIn(db);
  if (leader.expires_ms <= (await clockMs(db))) return;
  throw new Fault('lease_held', 'another controller leads: this one stands by', { retry: 'backoff' });
}

/** One write of the leader may take longer than its lease, and its renewal waits behind it: it gets its turn first. */
async function refuseBusy(trx: Knex): Promise<void> {
  if ((await transactionAgeMs(trx)) > BUSY_MS)
    throw new Fault('lease_held', 'another controller was writing until now: this one stands by', {
      retry: 'backoff',
    });
}

async function leaderIn(trx: Knex): Promise<LeaderRecord> {
  const row = await trx<LeaderRecord>('leader').where({ id: ONLY }).first();
  if (row === undefined) throw new Error('assertion: the row of the leader is gone');
  return row;
}
