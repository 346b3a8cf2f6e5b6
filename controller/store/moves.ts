/**
 * The mark of a move in a database: `arriving` in the database that is being filled, `leaving` and then `moved` in the
 * one that the installation leaves. Every transaction of a controller checks it first. So from the cut-over on, a
 * controller on the old database writes nothing more, and says where the installation is.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';

export interface Move {
  readonly state: 'arriving' | 'leaving' | 'moved';
  /** The id of the installation that moves. */
  readonly installation: string;
  /** The same at both ends of one move. */
  readonly ticket: string;
  /** The other end, without a password. */
  readonly place: string;
  /** The run of the copy that may write here. */
  readonly run: number;
  readonly at_ms: number;
}

const ONLY = 1;

export const readMove = (db: Knex): Promise<Move | undefined> =>
  db<Move & { id: number }>('moves').where({ id: ONLY }).first();

export async function markMove(trx: Knex, move: Move): Promise<void> {
  await trx('moves')
    .insert({ id: ONLY, ...move })
    .onConflict('id')
    .merge();
}

export async function clearMove(trx: Knex): Promise<void> {
  await trx('moves').where({ id: ONLY }).delete();
}

/** Faults `installation_moved`, `copy_unfinished`: a controller neither starts nor writes on such a database. */
export async function refuseMoved(db: Knex): Promise<void> {
  const move = await readMove(db);
  if (move === undefined) return;
  if (move.state === 'arriving')
    throw new Fault(
      'copy_unfinished',
      `this database is being filled from ${move.place} and is not whole. Finish it with ota store copy … --cut-over, or make an empty database`,
      { retry: 'never' },
    );
  const when = new Date(move.at_ms).toISOString();
  throw new Fault(
    'installation_moved',
    move.state === 'moved'
      ? `this installation moved to ${move.place} on ${when}: start the controller there. To come back, copy it back with ota store copy`
      : `this installation is on its way to ${move.place} since ${when}. Run the same ota store copy … --cut-over again, or stay here with ota store copy --from … --cancel`,
    { retry: 'never' },
  );
}

/** The id that the installation keeps when it moves. */
export async function installationIdIn(db: Knex): Promise<string> {
  const row = await db<{ name: string; value: string }>('installation').where({ name: 'id' }).first('value');
  if (row === undefined) throw new Error('assertion: the installation has no id');
  return row.value;
}
