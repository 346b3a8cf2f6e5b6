/** Removes rows past their retention in small batches, one transaction each, so that other writes do not wait long. */
import type { Knex } from 'knex';
import { KEPT_ACTIONS } from '../domain/history.ts';
import type { Db } from './db.ts';

const BATCH = 1_000;

/** Events: reports, audit rows, adoption samples, effects that were given up. Downloads have a retention of their own. */
export async function prune(
  db: Db,
  before: { readonly eventsMs: number; readonly downloadsMs: number; readonly nowMs: number },
): Promise<void> {
  await pruneTable(db, 'attempts', 'id', q => q.where('at_ms', '<', before.eventsMs));
  await pruneTable(db, 'audit', 'id', q =>
    q.where('at_ms', '<', before.eventsMs).whereNotIn('action', [...KEPT_ACTIONS]),
  );
  await pruneTable(db, 'adoption_samples', 'id', q => q.where('at_ms', '<', before.eventsMs));
  await pruneTable(db, 'adoption_hours', 'hour_ms', q => q.where('hour_ms', '<', before.eventsMs));
  await pruneTable(db, 'revisions', 'id', q => q.where('at_ms', '<', before.eventsMs));
  await pruneTable(db, 'outbox', 'id', q => q.where('gave_up_at_ms', '<', before.eventsMs));
  await pruneTable(db, 'apk_download_events', 'id', q => q.where('at_ms', '<', before.downloadsMs));
  await pruneTable(db, 'key_values', 'key', q => q.where('expires_at_ms', '<=', before.nowMs));
}

async function pruneTable(
  db: Db,
  table: string,
  key: string,
  old: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
): Promise<void> {
  for (;;) {
    const deleted = await db.write(
      async trx =>
        await trx(table)
          .whereIn(key, old(trx(table).select(key)).limit(BATCH))
          .delete(),
    );
    if (deleted < BATCH) return;
  }
}
