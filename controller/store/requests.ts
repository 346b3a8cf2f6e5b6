/** Requests of a controller to the leader, and the answers: rows that the feed reports (migration 0025). */
import type { Knex } from 'knex';
import type { LeaderRequest, LeaderRequests } from '../ports/index.ts';
import type { Db } from './db.ts';
import { clockMs, randomHex } from './dialect.ts';

interface RequestRecord {
  readonly id: string;
  readonly kind: string;
  readonly detail: string;
  readonly at_ms: number;
  readonly answer: string | null;
}

/** Stored in place of an answer when the leader has begun. */
const TAKEN = '"taken"';

/** `led`: writes that only the leader may do. */
export const makeRequests = (db: Db, leaderDb: Db): LeaderRequests => ({
  ask: (kind, detail) =>
    db.write(async trx => {
      const row = {
        id: trx.raw(randomHex(trx)),
        kind,
        detail: JSON.stringify(detail ?? null),
        at_ms: await clockMs(trx),
      };
      const [made] = await trx('leader_requests').insert(row).returning<{ id: string }[]>('id');
      if (made === undefined) throw new Error('assertion: an inserted row has an id');
      return made.id;
    }),
  take: id =>
    leaderDb.write(
      async trx =>
        (await trx<RequestRecord>('leader_requests')
          .where({ id })
          .whereNull('answer')
          .update({ answer: TAKEN })) === 1,
    ),
  withdraw: id =>
    db.write(
      async trx =>
        (await trx<RequestRecord>('leader_requests').where({ id }).whereNull('answer').delete()) === 1,
    ),
  answer: (id, answer) =>
    db.write(async trx => {
      await trx<RequestRecord>('leader_requests')
        .where({ id })
        .update({ answer: JSON.stringify(answer ?? null) });
    }),
  open: () =>
    db.readNow(async reader => {
      const rows = await openIn(reader);
      return rows.map(
        ({ id, kind, detail }): LeaderRequest => ({ id, kind, detail: JSON.parse(detail) as unknown }),
      );
    }),
  answerOf: id =>
    db.readNow(async reader => {
      const row = await reader<RequestRecord>('leader_requests').where({ id }).first('answer');
      if (row?.answer == null || row.answer === TAKEN) return undefined;
      return { answer: JSON.parse(row.answer) as unknown };
    }),
});

/** By then the caller has given up. */
const OPEN_FOR_MS = 60_000;

async function openIn(reader: Knex): Promise<RequestRecord[]> {
  const sinceMs = (await clockMs(reader)) - OPEN_FOR_MS;
  return reader<RequestRecord>('leader_requests')
    .whereNull('answer')
    .where('at_ms', '>', sinceMs)
    .orderBy(['at_ms', 'id']);
}
