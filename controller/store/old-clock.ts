/**
 * Takes over the ramp clock of version 0.1 when a data folder of that version is first opened. A running ramp stays in
 * its step and keeps the time that it has spent there.
 */
import type { Knex } from 'knex';
import { HOUR_MS } from '../domain/duration.ts';
import { type OldClock, type OldRollout, progressOfOldClock } from '../domain/ramp/old-clock.ts';
import type { RampProgress } from '../domain/ramp/progress.ts';
import type { Db } from './db.ts';
import { readLastMoment } from './last-moment.ts';
import { writeProgress } from './ramp.ts';

/**
 * The old clock ran on while the controller was off, and nothing recorded for how long. A fleet that polls every six
 * hours leaves no longer gap in the tables, so time after such a gap does not count as served.
 */
const LONGEST_QUIET_MS = 6 * HOUR_MS;

interface OldStep {
  readonly percent: number;
  readonly holdMs?: number | undefined;
}

interface OldState {
  readonly rollout: OldRollout & {
    readonly current: string;
    readonly exposure: { readonly kind: string; readonly ramp?: { readonly steps: readonly OldStep[] } };
  };
}

export const takeOverOldClock = (db: Db, nowMs: () => number): Promise<void> =>
  db.write(async trx => {
    const row = await trx<{ id: number; revision: string; state: string; clock: string }>('desired').first();
    if (row === undefined || row.clock === '') return;
    const { rollout } = JSON.parse(row.state) as OldState;
    const atMs = Math.min(nowMs(), ((await readLastMoment(trx)) ?? 0) + LONGEST_QUIET_MS);
    const progress = progressOfOldClock(rollout, JSON.parse(row.clock) as OldClock, atMs);
    await trx('desired').update({ clock: '' });
    if (progress === undefined) return;
    const steps = rollout.exposure.ramp?.steps ?? [];
    const kept = notBeyond(progress, steps, await lastSeenPercent(trx, row.revision), atMs);
    await writeProgress(trx, {
      buildId: rollout.current,
      progress: kept,
      percent: steps[kept.step]?.percent,
      decidedAtMs: atMs,
      decidedBy: 'upgrade',
    });
  });

/** The last exposure that 0.1 announced; undefined if it was for another revision, or suspended. */
async function lastSeenPercent(trx: Knex, revision: string): Promise<number | undefined> {
  const row = await trx<{ key: string; value: string }>('key_values').where({ key: 'exposure.last' }).first();
  if (row === undefined) return undefined;
  const seen = JSON.parse(row.value) as { revision: string; percent: number; suspended: boolean };
  return seen.revision === revision && !seen.suspended ? seen.percent : undefined;
}

/** A step that 0.1 never opened is not opened by its clock; instead the last opened step counts as over. */
function notBeyond(
  progress: RampProgress,
  steps: readonly OldStep[],
  seenPercent: number | undefined,
  atMs: number,
): RampProgress {
  if (seenPercent === undefined) return progress;
  const step = steps.findLastIndex(s => s.percent <= seenPercent);
  if (step >= progress.step) return progress;
  const exposureMs = steps[step]?.holdMs ?? 0;
  return { ...progress, step, enteredAtMs: atMs - exposureMs, exposureMs };
}
