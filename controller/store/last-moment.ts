/** When a controller last ran on this data folder, as far as the store knows (SPEC §2). */
import type { Knex } from 'knex';
import type { Db } from './db.ts';

const KEY = 'clock.last';

export interface LastMoment {
  /** Unix ms; undefined in a new data folder. */
  get(): Promise<number | undefined>;
  keep(atMs: number): Promise<void>;
}

export function makeLastMoment(db: Db): LastMoment {
  return {
    get: () => db.read(readLastMoment),
    keep: atMs =>
      db.write(async trx => {
        await trx('key_values')
          .insert({ key: KEY, value: String(Math.round(atMs)), expires_at_ms: null })
          .onConflict('key')
          .merge();
      }),
  };
}

export async function readLastMoment(reader: Knex): Promise<number | undefined> {
  const kept = await reader<{ key: string; value: string }>('key_values').where({ key: KEY }).first();
  return kept === undefined ? newestRow(reader) : Number(kept.value);
}

/** A folder of version 0.1 does not record this moment; the time of its newest row is used instead. */
async function newestRow(reader: Knex): Promise<number | undefined> {
  const newest = async (table: string, column: string): Promise<number> => {
    const row = await reader(table).max<{ at: number | null }[]>({ at: column }).first();
    return row?.at ?? 0;
  };
  const moments = [
    await newest('desired', 'applied_at_ms'),
    await newest('desired_attempt', 'attempted_at_ms'),
    await newest('audit', 'at_ms'),
    await newest('attempts', 'at_ms'),
    await newest('check_ins', 'at_ms'),
  ];
  const atMs = Math.max(...moments);
  return atMs > 0 ? atMs : undefined;
}
