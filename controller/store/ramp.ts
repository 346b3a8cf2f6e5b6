/** Progress of ramps: at most one ramp is in progress, and each step that it entered has a row (GATES §5). */
import type { Knex } from 'knex';
import type { Judgement } from '../domain/gate/judge-step.ts';
import type { BuildId } from '../domain/ids.ts';
import type { RampProgress } from '../domain/ramp/progress.ts';
import type { KeptProgress, RampStore } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import type { Db } from './db.ts';
import type { Lease } from './lease.ts';
import { insertOutbox } from './outbox.ts';

interface RampRecord {
  readonly ramp_id: number;
  readonly build_id: string;
  readonly begins_at_ms: number;
  readonly step: number;
  readonly served_ms: number;
  readonly standing: boolean | number;
}

interface StepRecord {
  readonly ramp_id: number;
  readonly step: number;
  readonly percent: number | null;
  readonly entered_at_ms: number;
  readonly exposure_ms: number;
  readonly verdict: string | null;
  readonly evidence_json: string | null;
  readonly decided_at_ms: number | null;
  readonly decided_by: string | null;
}

export function makeRampStore(db: Db, lease: Lease, nowMs: () => number): RampStore {
  return {
    keep: (kept, audit, outbox) =>
      db.write(async trx => {
        await lease.hold(trx);
        await writeProgress(trx, kept);
        await insertAudit(trx, audit);
        await insertOutbox(trx, outbox, nowMs());
      }),
    steps: async rampId => {
      const rows = await db.read(reader =>
        reader<StepRecord>('ramp_progress').where({ ramp_id: rampId }).orderBy('step'),
      );
      return rows.map(row => ({
        step: row.step,
        percent: row.percent ?? undefined,
        enteredAtMs: row.entered_at_ms,
        exposureMs: row.exposure_ms,
        verdict: row.verdict ?? undefined,
      }));
    },
  };
}

interface Said {
  readonly judgement: Judgement;
  readonly resumed?: true;
}

/** The rollout has a plain percent, so no ramp runs. Rows of finished ramps are kept. */
export async function endRamps(trx: Knex): Promise<void> {
  await trx<RampRecord>('ramps').where({ standing: true }).update({ standing: false });
}

export async function writeProgress(trx: Knex, kept: KeptProgress): Promise<void> {
  const { buildId, progress, percent, decidedAtMs, decidedBy } = kept;
  const { rampId, step, judgement } = progress;
  await trx<RampRecord>('ramps')
    .where({ standing: true })
    .whereNot({ ramp_id: rampId })
    .update({ standing: false });
  const ramp: RampRecord = {
    ramp_id: rampId,
    build_id: buildId,
    begins_at_ms: progress.beginsAtMs,
    step,
    served_ms: Math.round(progress.servedMs),
    standing: true,
  };
  await trx<RampRecord>('ramps').insert(ramp).onConflict('ramp_id').merge();
  // An edit may have moved the ramp back to a lower step: the steps above no longer count as entered.
  await trx<StepRecord>('ramp_progress').where({ ramp_id: rampId }).where('step', '>', step).delete();
  const row: StepRecord = {
    ramp_id: rampId,
    step,
    percent: percent ?? null,
    entered_at_ms: progress.enteredAtMs,
    exposure_ms: Math.round(progress.exposureMs),
    verdict: judgement?.verdict ?? null,
    evidence_json: judgement === undefined ? null : JSON.stringify({ judgement, resumed: progress.resumed }),
    decided_at_ms: decidedAtMs,
    decided_by: decidedBy,
  };
  await trx<StepRecord>('ramp_progress').insert(row).onConflict(['ramp_id', 'step']).merge();
}

/** Undefined if the store has no running ramp of this build. */
export async function readProgress(reader: Knex, buildId: BuildId): Promise<RampProgress | undefined> {
  const ramp = await reader<RampRecord>('ramps').where({ standing: true, build_id: buildId }).first();
  if (ramp === undefined) return undefined;
  const at = { ramp_id: ramp.ramp_id, step: ramp.step };
  const row = await reader<StepRecord>('ramp_progress').where(at).first();
  if (row === undefined) return undefined;
  const said = row.evidence_json === null ? undefined : (JSON.parse(row.evidence_json) as Said);
  return {
    rampId: ramp.ramp_id,
    beginsAtMs: ramp.begins_at_ms,
    step: ramp.step,
    enteredAtMs: row.entered_at_ms,
    exposureMs: row.exposure_ms,
    servedMs: ramp.served_ms,
    judgement: said?.judgement,
    ...(said?.resumed === true && { resumed: true }),
  };
}
