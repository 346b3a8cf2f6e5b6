/** Who did what: merges and operators' actions. Rows are added, and removed by retention, but never changed. */
import type { Knex } from 'knex';
import type { AuditEntry, AuditStore } from '../ports/index.ts';
import type { Db } from './db.ts';
import { insertOutbox } from './outbox.ts';

export interface AuditRecord {
  readonly id: number;
  readonly at_ms: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

export function makeAuditStore(db: Db, nowMs: () => number): AuditStore {
  return {
    record: (entry, outbox = []) =>
      db.write(async trx => {
        await insertAudit(trx, [entry]);
        await insertOutbox(trx, outbox, nowMs());
      }),
    list: async ({ beforeId, limit, ...where }) => {
      const rows = await db.read(reader => {
        const query = reader<AuditRecord>('audit').orderBy('id', 'desc').limit(limit);
        for (const column of ['actor', 'action', 'subject'] as const)
          if (where[column] !== undefined) query.where(column, where[column]);
        return beforeId === undefined ? query : query.where('id', '<', beforeId);
      });
      return rows.map(entryOf);
    },
  };
}

export const entryOf = (row: AuditRecord): AuditEntry & { readonly id: number } => ({
  id: row.id,
  atMs: row.at_ms,
  actor: row.actor,
  action: row.action,
  subject: row.subject,
  detail: JSON.parse(row.detail) as unknown,
});

export async function insertAudit(trx: Knex, entries: readonly AuditEntry[]): Promise<void> {
  for (const entry of entries)
    await trx('audit').insert({
      at_ms: entry.atMs,
      actor: entry.actor,
      action: entry.action,
      subject: entry.subject,
      detail: JSON.stringify(entry.detail ?? null),
    });
}
