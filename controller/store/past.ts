/** The state at a past moment, from rows that were kept at the time. Each question reads a few rows. */
import type { Knex } from 'knex';
import { APPLY } from '../domain/history.ts';
import { stepIn } from '../domain/past.ts';
import type { PastStore } from '../ports/index.ts';
import type { AuditRecord } from './audit.ts';
import type { Db } from './db.ts';
import { type HaltRecord, toHalt } from './halts.ts';

interface TagChangeRecord {
  readonly id: number;
  readonly device_id: string;
  readonly at_ms: number;
  readonly before: string;
  readonly after: string;
}

export function makePastStore(db: Db): PastStore {
  return {
    applied: async atMs => {
      const row = await db.read(reader =>
        reader<AuditRecord>('audit')
          .where({ action: APPLY })
          .where('at_ms', '<=', atMs)
          .orderBy('id', 'desc')
          .first(),
      );
      return row && { revision: row.actor.replace(/^git:/, ''), appliedAtMs: row.at_ms };
    },
    step: async (buildId, fromMs, atMs) => {
      const row = await db.read(reader =>
        reader<AuditRecord>('audit')
          .whereIn('action', [APPLY, 'ramp.verdict', 'ramp.restart'])
          .where({ subject: buildId })
          .whereBetween('at_ms', [fromMs, atMs])
          .orderBy('id', 'desc')
          .first(),
      );
      return row && stepIn(row.action, JSON.parse(row.detail));
    },
    halts: async (buildId, atMs) => {
      const rows = await db.read(reader =>
        reader<HaltRecord>('halts')
          .where({ build_id: buildId })
          .where('at_ms', '<=', atMs)
          .where(q => q.whereNull('ended_at_ms').orWhere('ended_at_ms', '>', atMs))
          .orderBy('id'),
      );
      return rows.map(toHalt);
    },
    tags: (deviceId, atMs) =>
      // One transaction, so that the change and the tags show the same moment.
      db.read(reader => reader.transaction(trx => tagsAt(trx, deviceId, atMs))),
    reported: async (deviceId, atMs) => {
      const row = await db.read(reader =>
        reader<{ device_id: string; at_ms: number; version_code: number }>('attempts')
          .where({ device_id: deviceId })
          .where('at_ms', '<=', atMs)
          .orderBy([
            { column: 'at_ms', order: 'desc' },
            { column: 'id', order: 'desc' },
          ])
          .first('at_ms', 'version_code'),
      );
      return row && { versionCode: row.version_code, atMs: row.at_ms };
    },
    bounds: () => db.read(boundsOf),
  };
}

/** `tags_since`: when tag changes began to be kept. `pruned_before`: retention has removed rows older than this. */
export interface BoundRecord {
  readonly name: 'tags_since' | 'pruned_before';
  readonly at_ms: number;
}

async function boundsOf(reader: Knex): Promise<{ tagsSinceMs: number; prunedBeforeMs: number }> {
  const rows = await reader<BoundRecord>('past_bounds').select();
  const of = (name: BoundRecord['name']) => rows.find(row => row.name === name)?.at_ms;
  return {
    tagsSinceMs: of('tags_since') ?? Number.POSITIVE_INFINITY,
    prunedBeforeMs: of('pruned_before') ?? 0,
  };
}

/**
 * The tags after the newest change before that moment; else those before the first later change; else the current ones.
 */
async function tagsAt(trx: Knex, deviceId: string, atMs: number): Promise<readonly string[] | undefined> {
  const { tagsSinceMs, prunedBeforeMs } = await boundsOf(trx);
  if (atMs < Math.max(tagsSinceMs, prunedBeforeMs)) return undefined;
  const changes = () => trx<TagChangeRecord>('tag_changes').where({ device_id: deviceId });
  const last = await changes().where('at_ms', '<=', atMs).orderBy('id', 'desc').first();
  if (last !== undefined) return JSON.parse(last.after) as string[];
  const next = await changes().where('at_ms', '>', atMs).orderBy('id').first();
  if (next !== undefined) return JSON.parse(next.before) as string[];
  return trx('device_tags').where({ device_id: deviceId }).orderBy('tag').pluck<string[]>('tag');
}
