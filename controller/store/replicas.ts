/** The controllers on this database: each says now and then that it is there. Only for people: no decision rests on it. */
import type { Knex } from 'knex';
import { DAY_MS } from '../domain/duration.ts';
import type { Replica, Replicas, Role } from '../ports/index.ts';
import type { Db } from './db.ts';
import { clockMs } from './dialect.ts';

/** This process, as others see it. */
export interface Self {
  /** Random: two processes of one host differ. */
  readonly id: string;
  readonly host: string;
  readonly version: string;
}

interface ReplicaRecord {
  readonly id: string;
  readonly host: string;
  readonly version: string;
  readonly role: Role;
  readonly seen_ms: number;
}

/** One that was not seen for so long is forgotten: it will not come back. */
const FORGET_AFTER_MS = DAY_MS;

export async function saySelf(trx: Knex, { id, host, version }: Self, role: Role): Promise<void> {
  const seen_ms = await clockMs(trx);
  await trx<ReplicaRecord>('controllers')
    .insert({ id, host, version, role, seen_ms })
    .onConflict('id')
    .merge();
  await trx<ReplicaRecord>('controllers')
    .where('seen_ms', '<', seen_ms - FORGET_AFTER_MS)
    .delete();
}

/** Before this version's migration there is nowhere to say it. */
export async function sayStandingBy(db: Knex, self: Self): Promise<void> {
  if (await db.schema.hasTable('controllers')) await saySelf(db, self, 'stands_by');
}

export const forgetSelf = async (trx: Knex, { id }: Self): Promise<void> => {
  await trx<ReplicaRecord>('controllers').where({ id }).delete();
};

export const makeReplicas = (db: Db, isShared: boolean): Replicas => ({
  list: async () => (isShared ? db.read(listed) : undefined),
});

async function listed(reader: Knex): Promise<Replica[]> {
  const nowMs = await clockMs(reader);
  const rows = await reader<ReplicaRecord>('controllers').orderBy(['role', 'host', 'id']);
  return rows.map(({ host, version, role, seen_ms }) => ({
    host,
    version,
    role,
    agoMs: Math.max(0, nowMs - seen_ms),
  }));
}
