/** Promised effects: committed with the change that caused them, and kept until they are done or given up (SPEC §7). */
import type { Knex } from 'knex';
import type { OutboxEntry, OutboxRow, OutboxStore } from '../ports/index.ts';
import type { Db } from './db.ts';

interface OutboxRecord {
  readonly id: number;
  readonly topic: string;
  readonly key: string;
  readonly payload: string;
  readonly not_before_ms: number;
  readonly attempts: number;
  readonly created_at_ms: number;
  readonly cursor: string | null;
  readonly last_code: string | null;
  readonly gave_up_at_ms: number | null;
}

/** `led`: writes that only the leader may do; it alone executes the effects. */
export function makeOutboxStore(db: Db, led: Db, nowMs: () => number): OutboxStore {
  const change = (id: number, to: (trx: Knex) => PromiseLike<unknown>): Promise<void> =>
    led.write(async trx => {
      if (!Number.isSafeInteger(id)) throw new Error('assertion: an outbox id is an integer');
      await to(trx);
    });
  return {
    add: entries => db.write(trx => insertOutbox(trx, entries, nowMs())),
    due: async (topics, dueMs, limit) => {
      const rows = await db.read(reader =>
        reader<OutboxRecord>('outbox')
          .whereIn('topic', [...topics])
          .whereNull('gave_up_at_ms')
          .where('not_before_ms', '<=', dueMs)
          .orderBy('id')
          .limit(limit),
      );
      return rows.map(toRow);
    },
    progress: (id, cursor) => change(id, trx => trx('outbox').where({ id }).update({ cursor })),
    done: id => change(id, trx => trx('outbox').where({ id }).delete()),
    retry: (id, notBeforeMs, code) =>
      change(id, trx =>
        trx('outbox')
          .where({ id })
          .increment('attempts', 1)
          .update({ not_before_ms: notBeforeMs, last_code: code }),
      ),
    giveUp: (id, code) =>
      change(id, trx =>
        trx('outbox')
          .where({ id })
          .increment('attempts', 1)
          .update({ gave_up_at_ms: nowMs(), last_code: code }),
      ),
    pending: async topic => {
      const rows = await db.read(reader =>
        reader<OutboxRecord>('outbox').where({ topic }).whereNull('gave_up_at_ms').orderBy('id'),
      );
      return rows.map(toRow);
    },
    waiting: async () => {
      const rows = await db.read(reader =>
        reader('outbox')
          .whereNull('gave_up_at_ms')
          .groupBy('topic')
          .orderBy('topic')
          .select('topic')
          .count({ rows: '*' })
          .min<{ topic: string; rows: number; oldest_ms: number }[]>({ oldest_ms: 'created_at_ms' }),
      );
      return rows.map(({ topic, rows: n, oldest_ms }) => ({ topic, rows: n, oldestMs: oldest_ms }));
    },
  };
}

const toRow = (row: OutboxRecord): OutboxRow => ({
  id: row.id,
  topic: row.topic,
  key: row.key,
  payload: JSON.parse(row.payload) as unknown,
  notBeforeMs: row.not_before_ms,
  attempts: row.attempts,
  createdAtMs: row.created_at_ms,
  cursor: row.cursor ?? undefined,
});

/**
 * The newest row of a key replaces the older one and gets a new id, so that a handler that still works on the old row
 * cannot mark the new one as done.
 */
export async function insertOutbox(trx: Knex, entries: readonly OutboxEntry[], atMs: number): Promise<void> {
  for (const { topic, key, payload, notBeforeMs } of entries) {
    await trx('outbox').where({ topic, key }).delete();
    await trx('outbox').insert({
      topic,
      key,
      payload: JSON.stringify(payload ?? null),
      not_before_ms: notBeforeMs,
      created_at_ms: atMs,
    });
  }
}
