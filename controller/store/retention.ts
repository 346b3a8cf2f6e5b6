/** Removes rows past their retention in small batches, one transaction each, so that other writes do not wait long. */
import type { Knex } from 'knex';
import { KEPT_ACTIONS } from '../domain/history.ts';
import type { Db } from './db.ts';
import type { BoundRecord } from './past.ts';

const BATCH = 1_000;

/**
 * Events: reports, audit rows, adoption samples, and effects that were given up. Downloads have their own retention.
 */
export async function prune(
  db: Db,
  before: { readonly eventsMs: number; readonly downloadsMs: number; readonly nowMs: number },
): Promise<void> {
  await pruneTable(db, 'attempts', 'id', q => q.where('at_ms', '<', before.eventsMs));
  const audit = await pruneTable(db, 'audit', 'id', q =>
    q.where('at_ms', '<', before.eventsMs).whereNotIn('action', [...KEPT_ACTIONS]),
  );
  const tags = await pruneTable(db, 'tag_changes', 'id', q => q.where('at_ms', '<', before.eventsMs));
  if (audit + tags > 0) await notePruned(db, before.eventsMs);
  await pruneTable(db, 'adoption_samples', 'id', q => q.where('at_ms', '<', before.eventsMs));
  await pruneTable(db, 'adoption_hours', 'hour_ms', q => q.where('hour_ms', '<', before.eventsMs));
  await pruneTable(db, 'revisions', 'id', q => q.where('at_ms', '<', before.eventsMs));
  await pruneTable(db, 'outbox', 'id', q => q.where('gave_up_at_ms', '<', before.eventsMs));
  await pruneTable(db, 'apk_download_events', 'id', q => q.where('at_ms', '<', before.downloadsMs));
  await pruneTable(db, 'sessions', 'id', q => q.where('expires_at_ms', '<=', before.nowMs));
  await pruneTable(db, 'key_values', 'key', q => q.where('expires_at_ms', '<=', before.nowMs));
}

async function pruneTable(
  db: Db,
  table: string,
  key: string,
  old: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
): Promise<number> {
  for (let total = 0; ; ) {
    const deleted = await db.write(
      async trx =>
        await trx(table)
          .whereIn(key, old(trx(table).select(key)).limit(BATCH))
          .delete(),
    );
    total += deleted;
    if (deleted < BATCH) return total;
  }
}

/** Questions about earlier moments are answered with "not known". This moment never moves back. */
const notePruned = (db: Db, beforeMs: number): Promise<void> =>
  db.write(async trx => {
    const bounds = () => trx<BoundRecord>('past_bounds').where({ name: 'pruned_before' });
    const at_ms = Math.max(beforeMs, (await bounds().first())?.at_ms ?? 0);
    await trx<BoundRecord>('past_bounds').insert({ name: 'pruned_before', at_ms }).onConflict('name').merge();
  });
