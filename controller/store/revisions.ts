/** Revisions that were applied or refused. The row is written in the same transaction. */
import type { Knex } from 'knex';
import type { KeptRevision, RevisionDetail, RevisionStore } from '../ports/index.ts';
import type { Db } from './db.ts';

interface RevisionRecord {
  readonly id: number;
  readonly revision: string;
  readonly kind: KeptRevision['kind'];
  readonly at_ms: number;
  readonly build_id: string | null;
  readonly detail: string;
}

export function makeRevisionStore(db: Db): RevisionStore {
  return {
    list: async ({ beforeId, limit, kind }) => {
      const rows = await db.read(reader => {
        const query = reader<RevisionRecord>('revisions').orderBy('id', 'desc').limit(limit);
        if (beforeId !== undefined) query.where('id', '<', beforeId);
        return kind === undefined ? query : query.where({ kind });
      });
      return rows.map(row => ({
        id: row.id,
        revision: row.revision,
        kind: row.kind,
        atMs: row.at_ms,
        buildId: row.build_id ?? undefined,
        detail: JSON.parse(row.detail) as RevisionDetail,
      }));
    },
    counts: async () => {
      const rows = await db.read(reader =>
        reader('revisions').groupBy('kind').select('kind').count<{ kind: string; n: number }[]>({ n: '*' }),
      );
      const of = (kind: string): number => rows.find(row => row.kind === kind)?.n ?? 0;
      return { applied: of('applied'), refused: of('refused') };
    },
  };
}

export async function insertRevision(trx: Knex, kept: Omit<KeptRevision, 'id'>): Promise<void> {
  await trx('revisions').insert({
    revision: kept.revision,
    kind: kept.kind,
    at_ms: kept.atMs,
    build_id: kept.buildId ?? null,
    detail: JSON.stringify(kept.detail),
  });
}
