/**
 * The fence around what only the leader writes. Whoever takes over raises the epoch; a writer of an older epoch is
 * refused inside its own transaction, so nothing of it is kept. The epoch rises when a store is opened: with SQLite the
 * folder's lock leaves one controller anyway, on PostgreSQL the one that opened the database last is the one that writes.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { Db } from './db.ts';

export interface Lease {
  readonly epoch: number;
  /** Fault `lease_lost` when somebody else has taken over since. */
  hold(trx: Knex): Promise<void>;
}

interface LeaderRecord {
  readonly id: number;
  readonly epoch: number;
}

const ONLY = 1;

export async function takeLease(db: Db): Promise<Lease> {
  const epoch = await db.write(async trx => {
    await trx<LeaderRecord>('leader').where({ id: ONLY }).increment('epoch', 1);
    return epochIn(trx);
  });
  return {
    epoch,
    hold: async trx => {
      const now = await epochIn(trx);
      if (now === epoch) return;
      throw new Fault(
        'lease_lost',
        `another controller has taken over (epoch ${now}, ours is ${epoch}): this one writes nothing more`,
        { retry: 'never' },
      );
    },
  };
}

async function epochIn(trx: Knex): Promise<number> {
  const row = await trx<LeaderRecord>('leader').where({ id: ONLY }).first();
  if (row === undefined) throw new Error('assertion: the row of the leader is gone');
  return row.epoch;
}
