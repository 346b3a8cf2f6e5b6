/**
 * Moves an installation to another database. Passes copy what differs while the controller runs; at the cut-over the
 * source is marked, from which moment nobody writes there, and the last pass must end with equal hashes. Each step can be
 * killed and the same command run again:
 *
 *   source: –        dest: arriving   bulk passes
 *   source: leaving  dest: arriving   the last pass; `cancelCopy` goes back from here
 *   source: moved    dest: arriving   for a moment: both refuse, so that two never serve
 *   source: moved    dest: –          the controller starts on the destination
 */
import type { Knex } from 'knex';
import { Fault } from '../../domain/fault.ts';
import { isPostgres } from '../dialect.ts';
import { faulted } from '../faults.ts';
import { readMove } from '../moves.ts';
import {
  type CopyOptions,
  handOver,
  holdRun,
  type Run,
  registerCopy,
  stopSource,
  transaction,
} from './marks.ts';
import { openDest, openSource } from './place.ts';
import { copyNextIds, deleteRows, insertRows } from './rows.ts';
import { type Table, tablesOf } from './schema.ts';
import { copyTable, type Walked, type Writes } from './table.ts';

export { type CopyOptions, type CopyStep, cancelCopy } from './marks.ts';

/** What was copied. `tables`: rows and hash of each table; equal at both ends after a cut-over. */
export interface Copied {
  readonly cutOver: boolean;
  readonly tables: readonly Walked[];
}

/**
 * Faults `no_database`, `copy_same_place`, `schema_older`, `schema_newer`, `destination_not_empty`, `copy_unfinished`,
 * `installation_moved`, `copy_overtaken`, `copy_cancelled`, `copy_differs`, and those of both connections.
 */
export async function copyStore(options: CopyOptions): Promise<Copied> {
  const { from, to, nowMs } = options;
  if (from.name === to.name)
    throw new Fault('copy_same_place', `--from and --to name the same place: ${from.name}`, {
      retry: 'never',
    });
  const source = await openSource(from);
  try {
    const dest = await openDest(to, nowMs);
    try {
      return await faulted(async () =>
        runCopy({ options, source, dest, mark: await registerCopy(options, source, dest) }),
      );
    } finally {
      await dest.close();
    }
  } finally {
    await source.close();
  }
}

async function runCopy(run: Run): Promise<Copied> {
  const { source, options } = run;
  const { cutOver } = options;
  const marked = await readMove(source.engine.reader);
  const live = marked === undefined ? await pass(run, 'live') : [];
  if (!cutOver) return { cutOver, tables: live };
  await stopSource(run);
  await options.onStep?.({ step: 'stopped' });
  const tables = await pass(run, 'rest');
  await handOver(run, tables);
  return { cutOver, tables };
}

/** Reads the source as of one moment, so that every copied row comes with the rows that it refers to. */
async function pass(run: Run, step: 'live' | 'rest'): Promise<Walked[]> {
  const { source, dest, options } = run;
  const tables = await tablesOf(source.engine.reader);
  const writes = writesOf(run);
  const walked: Walked[] = [];
  await snapshot(source.engine.reader, async at => {
    for (const table of tables) {
      const found = await copyTable({ source: at, dest: dest.engine.reader }, table, writes, step === 'rest');
      walked.push(found);
      const { missing: written } = writes;
      await options.onStep?.({ step, table: table.name, rows: found.rows.source, written: written(table) });
    }
    await transaction(dest.engine.writer, async trx => {
      await holdRun(trx, run);
      await copyNextIds(at, trx, tables);
    });
  });
  return walked;
}

async function snapshot(reader: Knex, read: (at: Knex) => Promise<void>): Promise<void> {
  await reader.transaction(
    read,
    isPostgres(reader) ? { isolationLevel: 'repeatable read', readOnly: true } : undefined,
  );
}

function writesOf(run: Run): Writes & { missing(table: Table): number } {
  const { writer } = run.dest.engine;
  const added = new Map<string, number>();
  return {
    missing: ({ name }) => added.get(name) ?? 0,
    remove: (table, rows) =>
      transaction(writer, async trx => {
        await holdRun(trx, run);
        await deleteRows(trx, table, rows);
      }),
    add: async (table, rows) => {
      await transaction(writer, async trx => {
        await holdRun(trx, run);
        await insertRows(trx, table, rows);
      });
      added.set(table.name, (added.get(table.name) ?? 0) + rows.length);
    },
  };
}
