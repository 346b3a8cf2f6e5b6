/** Who may write at which end of a move, step by step: the marks of both ends, and the hand-over between them. */
import type { Knex } from 'knex';
import { Fault } from '../../domain/fault.ts';
import { insertAudit } from '../audit.ts';
import { faulted } from '../faults.ts';
import { clearMove, installationIdIn, type Move, markMove, readMove } from '../moves.ts';
import { lockOf, type Opened, openSource, type Place } from './place.ts';
import { tablesOf } from './schema.ts';
import type { Walked } from './table.ts';

export type CopyStep =
  | {
      readonly step: 'live' | 'rest';
      readonly table: string;
      readonly rows: number;
      readonly written: number;
    }
  | { readonly step: 'stopped' };

export interface CopyOptions {
  readonly from: Place;
  readonly to: Place;
  /** After a pass while the source is in use, stops the source, copies the rest and hands over. */
  readonly cutOver: boolean;
  readonly nowMs: () => number;
  /** 16 bytes by which both ends recognise each other. */
  readonly newTicket: () => string;
  /** Awaited before the copy goes on. */
  readonly onStep?: (step: CopyStep) => void | Promise<void>;
}

export interface Run {
  readonly options: CopyOptions;
  readonly source: Opened;
  readonly dest: Opened;
  /** The mark of this run at the destination. */
  readonly mark: Move;
}

/** Registers this run at the destination, which must be empty or hold the beginning of the same move. */
export async function registerCopy(
  { from, nowMs, newTicket }: CopyOptions,
  source: Opened,
  dest: Opened,
): Promise<Move> {
  const installation = await installationIdIn(source.engine.reader);
  const leaving = await readMove(source.engine.reader);
  if (leaving?.state === 'arriving')
    throw new Fault(
      'copy_unfinished',
      `${from.name} is itself being filled from ${leaving.place}: finish that copy first`,
      {
        retry: 'never',
      },
    );
  const here = await readMove(dest.engine.writer);
  if (leaving !== undefined && here?.ticket !== leaving.ticket)
    throw new Fault(
      'installation_moved',
      leaving.state === 'moved'
        ? `${from.name} moved to ${leaving.place} already: copy it from there`
        : `${from.name} is on its way to ${leaving.place}: finish that copy, or give it up with --cancel`,
      { retry: 'never' },
    );
  return transaction(dest.engine.writer, async trx => {
    const known = await readMove(trx);
    if (known === undefined) await refuseFull(trx);
    else if (known.state !== 'arriving' || known.installation !== installation)
      throw notEmpty('it holds another installation, or one that moved away from there');
    const mark: Move = {
      state: 'arriving',
      installation,
      ticket: known?.ticket ?? newTicket(),
      place: from.name,
      run: (known?.run ?? 0) + 1,
      at_ms: nowMs(),
    };
    await markMove(trx, mark);
    return mark;
  });
}

/** The rows that migrations add to an empty database. */
const SEEDED: ReadonlySet<string> = new Set(['installation', 'past_bounds']);

async function refuseFull(db: Knex): Promise<void> {
  for (const { name } of await tablesOf(db))
    if (!SEEDED.has(name) && (await db(name).first()) !== undefined)
      throw notEmpty(`its table ${name} has rows`);
}

const notEmpty = (why: string): Fault =>
  new Fault(
    'destination_not_empty',
    `the destination is in use: ${why}. Make an empty database for the copy; of a data folder move ota.db, ota.db-wal and ota.db-shm away`,
    { retry: 'never' },
  );

/** An older run that was thought dead must not write between the rows of its successor. */
export async function holdRun(trx: Knex, { mark }: Run): Promise<void> {
  const now = await readMove(trx);
  if (now?.state === 'arriving' && now.run === mark.run && now.ticket === mark.ticket) return;
  throw new Fault('copy_overtaken', 'the same copy was started once more and goes on there: this one stops', {
    retry: 'never',
  });
}

/** From now on the source refuses every transaction of a controller. */
export async function stopSource({ options: { from, to, nowMs }, source, mark }: Run): Promise<void> {
  await transaction(source.engine.writer, async trx => {
    await lockOf(from)(trx);
    const known = await readMove(trx);
    if (known !== undefined) {
      if (known.ticket === mark.ticket) return;
      throw new Fault('installation_moved', `${from.name} is on its way to ${known.place}`, {
        retry: 'never',
      });
    }
    await markMove(trx, { ...mark, state: 'leaving', place: to.name, at_ms: nowMs() });
  });
}

export async function handOver(run: Run, tables: readonly Walked[]): Promise<void> {
  const { options, source, dest, mark } = run;
  const { from, to, nowMs } = options;
  const differing = tables.filter(t => t.sha256.source !== t.sha256.dest || t.rows.source !== t.rows.dest);
  if (differing.length > 0)
    throw new Fault(
      'copy_differs',
      `these tables are not equal after the copy: ${differing.map(t => t.table).join(', ')}. Nothing was handed over; run it again, or stay with --cancel`,
      { retry: 'never' },
    );
  await transaction(source.engine.writer, async trx => {
    await lockOf(from)(trx);
    const known = await readMove(trx);
    if (known?.ticket !== mark.ticket)
      throw new Fault('copy_cancelled', `the copy was given up at ${from.name}: nothing was handed over`, {
        retry: 'never',
      });
    await markMove(trx, { ...known, state: 'moved', at_ms: known.state === 'moved' ? known.at_ms : nowMs() });
  });
  await transaction(dest.engine.writer, async trx => {
    await holdRun(trx, run);
    await clearMove(trx);
    const detail = { from: from.name, to: to.name, rows: tables.reduce((sum, t) => sum + t.rows.dest, 0) };
    await insertAudit(trx, [
      { atMs: nowMs(), actor: 'ota store copy', action: 'moved', subject: mark.installation, detail },
    ]);
  });
}

/**
 * Cancels an unfinished cut-over: the controller may start at the source again. Faults `no_database`,
 * `copy_not_leaving`, `installation_moved`.
 */
export async function cancelCopy(from: Place): Promise<void> {
  const source = await openSource(from);
  try {
    await faulted(() =>
      transaction(source.engine.writer, async trx => {
        await lockOf(from)(trx);
        const known = await readMove(trx);
        if (known === undefined || known.state === 'arriving')
          throw new Fault(
            'copy_not_leaving',
            `nothing to cancel: ${from.name} was not stopped by a cut-over`,
            {
              retry: 'never',
            },
          );
        if (known.state === 'moved')
          throw new Fault(
            'installation_moved',
            `the move to ${known.place} is complete, and a controller may run there. To come back, copy it back`,
            { retry: 'never' },
          );
        await clearMove(trx);
      }),
    );
  } finally {
    await source.close();
  }
}

/** Keeps the first error: Knex's own about a failed rollback would hide the cause. */
export async function transaction<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  let cause: unknown;
  try {
    return await db.transaction(async trx => {
      try {
        return await work(trx);
      } catch (error) {
        cause = error;
        throw error;
      }
    });
  } catch (error) {
    throw cause ?? error;
  }
}
