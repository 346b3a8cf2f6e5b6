/** The history of revisions, read from the audit rows by their action: one index walk a page and one a revision. */
import type { Knex } from 'knex';
import { APPLY, COMPLETE, HISTORY_ACTIONS } from '../domain/history.ts';
import type { AppliedRevision, HistoryStore } from '../ports/index.ts';
import { type AuditRecord, entryOf, insertAudit } from './audit.ts';
import type { Db } from './db.ts';

/** The limit of rows of one revision: a gate that changes back and forth for weeks must not make an endless page. */
const MOST_EVENTS = 50;

export function makeHistoryStore(db: Db): HistoryStore {
  return {
    list: ({ beforeId, limit }) =>
      db.read(async reader => {
        const query = applied(reader).limit(limit);
        const rows = await (beforeId === undefined ? query : query.where('id', '<', beforeId));
        let next = beforeId === undefined ? undefined : await after(reader, rows[0]);
        const found: AppliedRevision[] = [];
        for (const row of rows) {
          found.push(await withEvents(reader, row, next));
          next = row;
        }
        return found;
      }),
    complete: (appliedAtMs, entry) =>
      db.write(async trx => {
        const newest = await applied(trx).first();
        if (newest === undefined || newest.at_ms !== appliedAtMs) return false;
        const known = await trx<AuditRecord>('audit')
          .where({ action: COMPLETE })
          .where('id', '>', newest.id)
          .first('id');
        if (known !== undefined) return false;
        await insertAudit(trx, [entry]);
        return true;
      }),
  };
}

const applied = (reader: Knex) => reader<AuditRecord>('audit').where({ action: APPLY }).orderBy('id', 'desc');

const after = async (reader: Knex, row: AuditRecord | undefined): Promise<AuditRecord | undefined> =>
  row === undefined
    ? undefined
    : reader<AuditRecord>('audit').where({ action: APPLY }).where('id', '>', row.id).orderBy('id').first();

async function withEvents(
  reader: Knex,
  row: AuditRecord,
  next: AuditRecord | undefined,
): Promise<AppliedRevision> {
  const query = reader<AuditRecord>('audit')
    .whereIn('action', [...HISTORY_ACTIONS])
    .where('id', '>', row.id)
    .orderBy('id', 'desc')
    .limit(MOST_EVENTS + 1);
  const events = await (next === undefined ? query : query.where('id', '<', next.id));
  return {
    id: row.id,
    revision: row.actor.replace(/^git:/, ''),
    appliedAtMs: row.at_ms,
    current: row.subject,
    detail: JSON.parse(row.detail) as unknown,
    replacedAtMs: next?.at_ms,
    events: events.slice(0, MOST_EVENTS).reverse().map(entryOf),
    eventsLeftOut: events.length > MOST_EVENTS,
  };
}
