/** Halts and brakes: once pressed they stay, until a person or Git ends them. */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { Lift } from '../domain/gate/proof.ts';
import type { Halt } from '../domain/halt.ts';
import type { BuildId } from '../domain/ids.ts';
import type { Applied, HaltStore } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import type { Db } from './db.ts';
import { readTally } from './evidence-tally.ts';
import type { Lease } from './lease.ts';
import { insertOutbox } from './outbox.ts';
import { readFailed, readTakers } from './takers.ts';

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
  readonly pull_url: string | null;
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
  pullUrl: row.pull_url ?? undefined,
});

export function makeHaltStore(db: Db, lease: Lease, nowMs: () => number): HaltStore {
  return {
    standing: buildId => db.readNow(reader => readHalts(reader, buildId)),
    find: async id => {
      const row = await db.read(reader => reader<HaltRecord>('halts').where({ id }).first());
      if (row === undefined) return undefined;
      const { ended_at_ms: atMs, ended_by: by, end_reason: reason } = row;
      return {
        ...toHalt(row),
        evidence: JSON.parse(row.evidence_json) as unknown,
        ended: atMs === null ? undefined : { atMs, by: by ?? '', reason: reason ?? '' },
      };
    },
    proposed: (id, pullUrl) =>
      db.write(async trx => {
        await lease.hold(trx);
        await trx<HaltRecord>('halts').where({ id }).update({ pull_url: pullUrl });
      }),
    press: (halt, audit, effects = () => []) =>
      db.write(async trx => {
        const { buildId, kind, mode, atMs, by, reason } = halt;
        if (kind === 'hand') await needCurrent(trx, buildId);
        else await lease.hold(trx);
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
        const pressed = { id: made.id, buildId, kind, mode, atMs, by, reason, declared: false };
        await insertAudit(trx, audit);
        await insertOutbox(trx, effects(pressed), nowMs());
        return pressed;
      }),
    lift: (halts, how, audit, effects = () => []) =>
      db.write(async trx => {
        await lease.hold(trx);
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
        await insertOutbox(trx, halts.flatMap(effects), nowMs());
      }),
    failed: (buildId, limit) => db.read(reader => readFailed(reader, buildId, limit)),
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

/** A person may press the brake on any controller, and that controller may show an older state. Fault `moved_on`. */
async function needCurrent(trx: Knex, buildId: BuildId): Promise<void> {
  const newest = await trx('revisions').where({ kind: 'applied' }).orderBy('id', 'desc').first('build_id');
  if (newest === undefined || newest.build_id === buildId) return;
  throw new Fault('moved_on', `another build than ${buildId} is current now`, { retry: 'backoff' });
}

export async function readHalts(reader: Knex, buildId: BuildId): Promise<Halt[]> {
  const rows = await reader<HaltRecord>('halts')
    .where({ build_id: buildId })
    .whereNull('ended_at_ms')
    .orderBy('id');
  return rows.map(toHalt);
}

/** Fault `halts_moved`: a brake was pressed on another controller after this revision was judged. */
export async function requireSameHalts(
  trx: Knex,
  judged: { buildId: BuildId; halts: readonly Halt[] },
): Promise<void> {
  const known = new Set(judged.halts.map(h => h.id));
  if ((await readHalts(trx, judged.buildId)).every(h => known.has(h.id))) return;
  throw new Fault('halts_moved', 'a brake was pressed meanwhile: the revision is judged again', {
    retry: 'backoff',
  });
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
