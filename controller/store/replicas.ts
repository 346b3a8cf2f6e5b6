/** The controllers on this database: each reports regularly that it runs, and which changes it has taken in. */
import type { Knex } from 'knex';
import { DAY_MS, MINUTE_MS } from '../domain/duration.ts';
import type { Replica, Replicas, Role } from '../ports/index.ts';
import type { Db } from './db.ts';
import { clockMs } from './dialect.ts';

/** This process, as other controllers see it. */
export interface Self {
  /** Random, since two processes may run on one host. */
  readonly id: string;
  readonly host: string;
  readonly version: string;
  /** Its wall clock, Unix ms. */
  readonly wallMs: () => number;
}

interface ReplicaRecord {
  readonly id: string;
  readonly host: string;
  readonly version: string;
  readonly role: Role;
  readonly seen_ms: number;
  readonly change_id: number;
  readonly clock_off_ms: number;
}

/** A controller that was not seen for this long is forgotten: it will not come back. */
const FORGET_AFTER_MS = DAY_MS;
/** Changes are kept this long for a controller that is not seen. After that it must restart. */
const WAIT_FOR_MS = 15 * MINUTE_MS;

/** `changeId`: the newest change that the controller has taken in. */
export async function reportReplica(
  trx: Knex,
  { id, host, version, wallMs }: Self,
  { role, changeId }: { readonly role: Role; readonly changeId: number },
): Promise<void> {
  const seen_ms = await clockMs(trx);
  await trx<ReplicaRecord>('controllers')
    .insert({ id, host, version, role, seen_ms, change_id: changeId, clock_off_ms: wallMs() - seen_ms })
    .onConflict('id')
    .merge();
  // A killed controller cannot report that it no longer leads.
  if (role === 'leads')
    await trx<ReplicaRecord>('controllers').where({ role }).whereNot({ id }).update({ role: 'follows' });
  await trx<ReplicaRecord>('controllers')
    .where('seen_ms', '<', seen_ms - FORGET_AFTER_MS)
    .delete();
}

/** Deletes changes that every controller has taken in, and old answers. */
export async function pruneChanges(trx: Knex): Promise<void> {
  const nowMs = await clockMs(trx);
  const [{ upTo } = { upTo: null }] = await trx<ReplicaRecord>('controllers')
    .where('seen_ms', '>', nowMs - WAIT_FOR_MS)
    .min<{ upTo: number | null }[]>({ upTo: 'change_id' });
  if (upTo === null) return;
  await trx('changes').where('id', '<=', upTo).delete();
  await trx('change_counter').where('pruned', '<', upTo).update({ pruned: upTo });
  await trx('leader_requests')
    .where('at_ms', '<', nowMs - WAIT_FOR_MS)
    .delete();
}

export async function hasFollowers(reader: Knex, nowMs: number): Promise<boolean> {
  const one = await reader<ReplicaRecord>('controllers')
    .where({ role: 'follows' })
    .where('seen_ms', '>', nowMs - MINUTE_MS)
    .first('id');
  return one !== undefined;
}

export const forgetReplica = async (trx: Knex, { id }: Self): Promise<void> => {
  await trx<ReplicaRecord>('controllers').where({ id }).delete();
};

export const makeReplicas = (db: Db, isShared: boolean): Replicas => ({
  list: async () => (isShared ? db.read(listed) : undefined),
});

async function listed(reader: Knex): Promise<Replica[]> {
  const nowMs = await clockMs(reader);
  const rows = await reader<ReplicaRecord>('controllers').orderBy([
    { column: 'role', order: 'desc' },
    'host',
    'id',
  ]);
  return rows.map(({ host, version, role, seen_ms, clock_off_ms: clockOffMs }) => ({
    host,
    version,
    role,
    agoMs: Math.max(0, nowMs - seen_ms),
    clockOffMs,
  }));
}
