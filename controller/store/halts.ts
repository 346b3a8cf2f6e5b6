/** Halts and brakes, and their evidence: one row a device, derived from what it downloaded and reported. */
import type { Knex } from 'knex';
import type { Lift } from '../domain/gate/proof.ts';
import type { Taker } from '../domain/gate/takers.ts';
import type { Halt } from '../domain/halt.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { Outcome, ResultReason } from '../domain/outcome.ts';
import type { Applied, HaltStore } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import type { Db } from './db.ts';
import { rowsOf } from './dialect.ts';
import { readTally } from './evidence-tally.ts';
import { insertOutbox } from './outbox.ts';

export interface HaltRecord {
  readonly id: number;
  readonly build_id: string;
  readonly kind: Halt['kind'];
  readonly mode: Halt['mode'];
  readonly at_ms: number;
  readonly decided_by: string;
  readonly reason: string;
  readonly evidence_json: string;
  readonly declared: boolean | number;
  readonly ended_at_ms: number | null;
  readonly ended_by: string | null;
  readonly end_reason: string | null;
  readonly lift_json: string | null;
}

export const toHalt = (row: HaltRecord): Halt => ({
  id: row.id,
  buildId: row.build_id,
  kind: row.kind,
  mode: row.mode,
  atMs: row.at_ms,
  by: row.decided_by,
  reason: row.reason,
  declared: Boolean(row.declared),
});

export function makeHaltStore(db: Db, nowMs: () => number): HaltStore {
  return {
    standing: buildId => db.read(reader => readHalts(reader, buildId)),
    press: (halt, audit, outbox) =>
      db.write(async trx => {
        const { buildId, kind, mode, atMs, by, reason } = halt;
        const row = {
          build_id: buildId,
          kind,
          mode,
          at_ms: atMs,
          decided_by: by,
          reason,
          evidence_json: JSON.stringify(halt.evidence ?? null),
          declared: false,
        };
        const [made] = await trx('halts').insert(row).returning<{ id: number }[]>('id');
        if (made === undefined) throw new Error('assertion: an inserted halt has an id');
        await insertAudit(trx, audit);
        await insertOutbox(trx, outbox, nowMs());
        return { id: made.id, buildId, kind, mode, atMs, by, reason, declared: false };
      }),
    lift: (halts, how, audit) =>
      db.write(async trx => {
        for (const { id, kind } of halts)
          await trx<HaltRecord>('halts')
            .where({ id })
            .update({
              ended_at_ms: how.atMs,
              ended_by: how.by,
              end_reason: how.reason,
              lift_json: kind === 'gate' && how.lift !== undefined ? JSON.stringify(how.lift) : null,
            });
        for (const device_id of how.without)
          for (const build_id of new Set(halts.map(h => h.buildId)))
            await trx('evidence_exclusions')
              .insert({ build_id, device_id, at_ms: how.atMs, decided_by: how.by })
              .onConflict(['build_id', 'device_id'])
              .ignore();
        await insertAudit(trx, audit);
      }),
    lastLift: async buildId => {
      const row = await db.read(reader =>
        reader<HaltRecord>('halts')
          .where({ build_id: buildId, kind: 'gate' })
          .whereNotNull('lift_json')
          .orderBy('id', 'desc')
          .first(),
      );
      return row?.lift_json == null ? undefined : (JSON.parse(row.lift_json) as Lift);
    },
    erased: buildId => db.read(reader => readTally(reader, buildId)),
    takers: (buildId, sizeBytes) => db.read(reader => readTakers(reader, buildId, sizeBytes)),
  };
}

export async function readHalts(reader: Knex, buildId: BuildId): Promise<Halt[]> {
  const rows = await reader<HaltRecord>('halts')
    .where({ build_id: buildId })
    .whereNull('ended_at_ms')
    .orderBy('id');
  return rows.map(toHalt);
}

/** What an applied commit does to halts: it marks those that it declares, and ends others. */
export async function settleHalts(trx: Knex, next: Applied): Promise<void> {
  const { current } = next.state.rollout;
  const left = next.halts ?? [];
  const end = { ended_at_ms: next.appliedAtMs, ended_by: `git:${next.revision}`, end_reason: 'a commit' };
  const standing = () => trx<HaltRecord>('halts').whereNull('ended_at_ms');
  await standing()
    .where({ build_id: current })
    .whereNotIn(
      'id',
      left.map(h => h.id),
    )
    .update(end);
  await standing().whereNot({ build_id: current }).where({ kind: 'hand' }).update(end);
  for (const { id, declared } of left)
    if (declared) await standing().where({ id }).update({ declared: true });
}

interface TakerRecord {
  readonly device_id: DeviceId;
  readonly bytes: number | null;
  readonly taken_at_ms: number | null;
  readonly final_outcome: Outcome | null;
  readonly final_reason: ResultReason | null;
  readonly final_at_ms: number | null;
  readonly newest_outcome: Outcome | null;
  readonly newest_reason: ResultReason | null;
}

/**
 * A device took the build when it was sent all bytes of it, or some of them and has a final outcome: one that was never
 * served any is no evidence, whatever it reports.
 */
async function readTakers(reader: Knex, buildId: BuildId, sizeBytes: number): Promise<Taker[]> {
  const rows = await rowsOf<TakerRecord>(
    reader.raw(
      `with sent as (
         select device_id, sum(bytes) as bytes, max(at_ms) as taken_at_ms from apk_download_events
         where build_id = ? and status in (200, 206) group by device_id
       ), final as (
         select device_id, max(id) as id from attempts
         where build_id = ? and outcome in ('ok', 'fail') group by device_id
       ), newest as (
         select device_id, max(id) as id from attempts where build_id = ? group by device_id
       )
       select sent.device_id, sent.bytes, sent.taken_at_ms,
         f.outcome as final_outcome, f.reason as final_reason, f.at_ms as final_at_ms,
         n.outcome as newest_outcome, n.reason as newest_reason
       from sent
       left join final on final.device_id = sent.device_id left join attempts f on f.id = final.id
       left join newest on newest.device_id = sent.device_id left join attempts n on n.id = newest.id
       where not exists (select 1 from evidence_exclusions x
         where x.build_id = ? and x.device_id = sent.device_id)`,
      [buildId, buildId, buildId, buildId],
    ),
  );
  return rows.map(row => ({
    deviceId: row.device_id,
    takenAtMs:
      (row.bytes ?? 0) >= sizeBytes || row.final_outcome !== null
        ? Math.min(row.taken_at_ms ?? Number.POSITIVE_INFINITY, row.final_at_ms ?? Number.POSITIVE_INFINITY)
        : undefined,
    final: row.final_outcome === 'fail' ? (row.final_reason ?? undefined) : undefined,
    newest:
      row.newest_outcome === null || row.newest_reason === null
        ? undefined
        : { outcome: row.newest_outcome, reason: row.newest_reason },
  }));
}
