/**
 * The fence around writes that only the leader may do. A controller that takes over raises the epoch. A writer of an
 * older epoch is refused inside its own transaction, so nothing of it is written. With SQLite the folder's lock allows
 * only one controller, which leads. On PostgreSQL one of several leads: it renews a lease by the database's clock, and
 * another takes over when the lease ends.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { Db } from './db.ts';
import { clockMs, transactionAgeMs } from './dialect.ts';
import { hasFollowers } from './replicas.ts';

export interface Lease {
  /** Undefined if it was never taken. */
  readonly epoch: number | undefined;
  /** True if this controller now holds it; false while another one does. */
  take(): Promise<boolean>;
  /** Faults `not_leading`, and `lease_lost` when another controller has taken over since. */
  hold(trx: Knex): Promise<void>;
  /** Extends the lease, if it has an end. `told`: JSON, the leader's report on itself. Faults as `hold`. */
  renew(trx: Knex, report?: unknown): Promise<void>;
  /** Ends the lease now, unless another controller holds it. */
  release(trx: Knex): Promise<void>;
}

interface LeaderRecord {
  readonly id: number;
  readonly epoch: number;
  readonly expires_ms: number;
  readonly told: string | null;
}

export interface Leader {
  /** The holder has renewed its lease in time. */
  readonly isAlive: boolean;
  /** The holder's last report on itself; undefined if there was none yet. */
  readonly report: unknown;
  /** Another controller was seen within the last minute, or is just starting. */
  readonly isFollowed: boolean;
}

export async function readLeader(reader: Knex): Promise<Leader> {
  const { expires_ms, told } = await leaderIn(reader);
  const nowMs = await clockMs(reader);
  return {
    isAlive: expires_ms > nowMs,
    report: told === null ? undefined : (JSON.parse(told) as unknown),
    isFollowed: await hasFollowers(reader, nowMs),
  };
}

const ONLY = 1;
/**
 * One write of the leader may outlast its lease while the renewal waits behind it. So whoever waited this long for its own
 * turn lets the renewal go first,
 */
const BUSY_MS = 500;
/** but not for ever: many writers may keep each other waiting long after the leader is gone. */
const MOST_YIELDS = 10;

/** `forMs`: how long it is held without renewal; undefined with SQLite, where it does not end. */
export function makeLease(db: Db, forMs: number | undefined, busyMs = BUSY_MS): Lease {
  let epoch: number | undefined;
  let yields = 0;
  const isBusy = async (trx: Knex): Promise<boolean> => (await transactionAgeMs(trx)) > busyMs;
  const endMs = async (trx: Knex): Promise<number> =>
    forMs === undefined ? 0 : (await clockMs(trx)) + forMs;
  const hold = async (trx: Knex): Promise<void> => {
    if (epoch === undefined)
      throw new Fault('not_leading', 'another controller leads, and only the leader may write this', {
        retry: 'backoff',
      });
    const now = (await leaderIn(trx)).epoch;
    if (now === epoch) return;
    throw new Fault(
      'lease_lost',
      `another controller has taken over (epoch ${now}, ours is ${epoch}): this one stops writing`,
      { retry: 'never' },
    );
  };
  return {
    get epoch() {
      return epoch;
    },
    take: async () => {
      if (epoch !== undefined) return true;
      // Followers check often, so this does not write while another leads.
      if (forMs !== undefined && (await db.readNow(readLeader)).isAlive) {
        yields = 0;
        return false;
      }
      epoch = await db.write(async trx => {
        if (forMs !== undefined && (await readLeader(trx)).isAlive) return undefined;
        if (forMs !== undefined && yields < MOST_YIELDS && (await isBusy(trx))) {
          yields += 1;
          return undefined;
        }
        const expires_ms = await endMs(trx);
        await trx<LeaderRecord>('leader').where({ id: ONLY }).update({ expires_ms }).increment('epoch', 1);
        return (await leaderIn(trx)).epoch;
      });
      return epoch !== undefined;
    },
    hold,
    renew: async (trx, report) => {
      await hold(trx);
      await trx<LeaderRecord>('leader')
        .where({ id: ONLY })
        .update({ expires_ms: await endMs(trx), told: report === undefined ? null : JSON.stringify(report) });
    },
    release: async trx => {
      if (epoch === undefined) return;
      await trx<LeaderRecord>('leader').where({ id: ONLY, epoch }).update({ expires_ms: 0 });
    },
  };
}

async function leaderIn(trx: Knex): Promise<LeaderRecord> {
  const row = await trx<LeaderRecord>('leader').where({ id: ONLY }).first();
  if (row === undefined) throw new Error('assertion: the row of the leader is gone');
  return row;
}
