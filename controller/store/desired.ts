/** The desired state that was applied last, and the last attempt. Each change is one transaction (SPEC §7). */
import type { Knex } from 'knex';
import type { BuildId, Sha256 } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';
import { percentAt } from '../domain/ramp/progress.ts';
import { type Build, canonicalState, type DesiredState, restoreState } from '../domain/release.ts';
import type { Applied, Attempted, DesiredStore } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import type { Db } from './db.ts';
import { bulk, type Cell } from './dialect.ts';
import { readHalts, requireSameHalts, settleHalts } from './halts.ts';
import type { Lease } from './lease.ts';
import { insertOutbox } from './outbox.ts';
import { endRamps, readProgress, writeProgress } from './ramp.ts';
import { insertRevision } from './revisions.ts';

interface DesiredRecord {
  readonly id: number;
  readonly revision: string;
  readonly tree_hash: string;
  readonly applied_at_ms: number;
  readonly state: string;
  /** The column of version 0.1's ramp clock; empty since then. */
  readonly clock: string;
}

interface AttemptRecord {
  readonly id: number;
  readonly revision: string;
  readonly attempted_at_ms: number;
  readonly problems: string;
  readonly artifacts: string | null;
}

const ONLY = 1;
/** Rows of `desired_attempt`: the last attempt, and the applied one, whose warnings hold while it is in force. */
const LAST = 1;
const APPLIED = 2;

export function makeDesiredStore(db: Db, lease: Lease, nowMs: () => number): DesiredStore {
  return {
    applied: () => db.readNow(readApplied),
    attempted: () => db.readNow(reader => readAttempt(reader, LAST)),
    apply: (next, warnings, audit, outbox, detail = {}, judged) =>
      db.write(async trx => {
        await lease.hold(trx);
        if (judged !== undefined) await requireSameHalts(trx, judged);
        await writeApplied(trx, next);
        await writeRamp(trx, next);
        await settleHalts(trx, next);
        await writeBuilds(trx, next.state, next.formerBuilds);
        const attempt = { revision: next.revision, attemptedAtMs: next.appliedAtMs, problems: warnings };
        await writeAttempt(trx, LAST, attempt);
        await writeAttempt(trx, APPLIED, attempt);
        await insertAudit(trx, audit);
        await insertOutbox(trx, outbox, nowMs());
        const { revision, appliedAtMs: atMs } = next;
        await insertRevision(trx, {
          revision,
          kind: 'applied',
          atMs,
          buildId: next.state.rollout.current,
          detail,
        });
      }),
    reject: (attempt, outbox, detail = {}) =>
      db.write(async trx => {
        await lease.hold(trx);
        await writeAttempt(trx, LAST, attempt);
        await insertOutbox(trx, outbox, nowMs());
        const { revision, attemptedAtMs: atMs } = attempt;
        await insertRevision(trx, { revision, kind: 'refused', atMs, buildId: undefined, detail });
      }),
    advance: (revision, atMs) =>
      db.write(async trx => {
        await lease.hold(trx);
        const moved = await trx<DesiredRecord>('desired').where({ id: ONLY }).update({ revision });
        if (moved !== 1) throw new Error('assertion: advance before any revision was applied');
        const problems = (await readAttempt(trx, APPLIED))?.problems ?? [];
        await writeAttempt(trx, LAST, { revision, attemptedAtMs: atMs, problems });
      }),
  };
}

async function readApplied(reader: Knex): Promise<Applied | undefined> {
  // One transaction, so that the row and the builds show the same moment.
  return reader.transaction(async trx => {
    const row = await trx<DesiredRecord>('desired').where({ id: ONLY }).first();
    if (row === undefined) return undefined;
    const state = restoreState(row.state);
    const former = await trx<{ build_id: string; facts: string; present: boolean }>('builds')
      .where({ present: false })
      .orderBy('build_id');
    return {
      revision: row.revision,
      treeHash: row.tree_hash,
      appliedAtMs: row.applied_at_ms,
      state,
      progress: await readProgress(trx, state.rollout.current),
      halts: await readHalts(trx, state.rollout.current),
      formerCurrents: new Set(await trx('promoted').pluck<string[]>('build_id')),
      formerBuilds: new Map(former.map(b => [b.build_id, JSON.parse(b.facts) as Build])),
    };
  });
}

async function readAttempt(reader: Knex, id: number): Promise<Attempted | undefined> {
  const row = await reader<AttemptRecord>('desired_attempt').where({ id }).first();
  if (row === undefined) return undefined;
  return {
    revision: row.revision,
    attemptedAtMs: row.attempted_at_ms,
    problems: JSON.parse(row.problems) as Problem[],
    ...(row.artifacts === null ? {} : { artifacts: JSON.parse(row.artifacts) as Sha256[] }),
  };
}

async function writeApplied(trx: Knex, next: Applied): Promise<void> {
  const row: DesiredRecord = {
    id: ONLY,
    revision: next.revision,
    tree_hash: next.treeHash,
    applied_at_ms: next.appliedAtMs,
    state: canonicalState(next.state),
    clock: '',
  };
  await trx<DesiredRecord>('desired').insert(row).onConflict('id').merge();
}

async function writeRamp(trx: Knex, { state, progress, revision, appliedAtMs }: Applied): Promise<void> {
  const { rollout } = state;
  await trx('promoted')
    .insert({ build_id: rollout.current, first_at_ms: appliedAtMs })
    .onConflict('build_id')
    .ignore();
  if (progress === undefined) return endRamps(trx);
  await writeProgress(trx, {
    buildId: rollout.current,
    progress,
    percent: progress.step < 0 ? undefined : percentAt(rollout, progress),
    decidedAtMs: appliedAtMs,
    decidedBy: `git:${revision}`,
  });
}

async function writeAttempt(trx: Knex, id: number, attempt: Attempted): Promise<void> {
  const row: AttemptRecord = {
    id,
    revision: attempt.revision,
    attempted_at_ms: attempt.attemptedAtMs,
    problems: JSON.stringify(attempt.problems),
    artifacts: attempt.artifacts === undefined ? null : JSON.stringify(attempt.artifacts),
  };
  await trx<AttemptRecord>('desired_attempt').insert(row).onConflict('id').merge();
}

/**
 * A build is never forgotten. If its file is gone, it stays and is marked absent, so that its id cannot return with
 * other facts.
 */
async function writeBuilds(
  trx: Knex,
  state: DesiredState,
  former: ReadonlyMap<BuildId, Build>,
): Promise<void> {
  await trx('builds').where({ present: true }).update({ present: false });
  const gone = [...former.values()].filter(build => !state.builds.has(build.buildId));
  const row = (build: Build, present: boolean): Cell[] => [
    build.buildId,
    build.versionCode,
    JSON.stringify(build),
    present ? 1 : 0,
  ];
  await bulk(
    trx,
    ['build_id', 'version_code', 'facts', 'present'],
    [...gone.map(b => row(b, false)), ...[...state.builds.values()].map(b => row(b, true))],
    input => `insert into builds (build_id, version_code, facts, present)
      select build_id, version_code, facts, present from ${input} as input where true
      on conflict (build_id) do update set
        version_code = excluded.version_code, facts = excluded.facts, present = excluded.present`,
  );
}
