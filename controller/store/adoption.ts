/** Adoption over time: the curve in the pull request's comment. */
import type { Knex } from 'knex';
import { HOUR_MS } from '../domain/duration.ts';
import type { AdoptionHour, AdoptionSample, AdoptionStore } from '../ports/index.ts';
import type { Db } from './db.ts';
import { bulk, type Cell, rowsOf } from './dialect.ts';

interface SampleRecord {
  readonly build_id: string;
  readonly revision: string;
  readonly at_ms: number;
  readonly active: number;
  readonly running: number;
}

export function makeAdoptionStore(db: Db): AdoptionStore {
  return {
    add: sample =>
      db.write(async trx => {
        await trx<SampleRecord>('adoption_samples').insert({
          build_id: sample.buildId,
          revision: sample.revision,
          at_ms: sample.atMs,
          active: sample.active,
          running: sample.running,
        });
      }),
    keepHour: ({ hourMs, running }) =>
      db.write(async trx => {
        await trx('adoption_hours').where({ hour_ms: hourMs }).delete();
        await bulk(
          trx,
          ['hour_ms', 'build', 'running'],
          [...running].map(([build, devices]): Cell[] => [hourMs, build, devices]),
          input => `insert into adoption_hours (hour_ms, build, running)
            select hour_ms, build, running from ${input} as input where true`,
        );
      }),
    hours: (sinceMs, limit) => db.read(reader => readHours(reader, sinceMs, limit)),
    series: async (buildId, sinceMs) => {
      const rows = await db.read(reader =>
        reader<SampleRecord>('adoption_samples')
          .where({ build_id: buildId })
          .where('at_ms', '>=', sinceMs)
          .orderBy(['at_ms', 'id']),
      );
      return rows.map(
        (row): AdoptionSample => ({
          revision: row.revision,
          buildId: row.build_id,
          atMs: row.at_ms,
          active: row.active,
          running: row.running,
        }),
      );
    },
  };
}

/**
 * A long period is thinned to the last hour of each stretch, so that a curve costs the same for a day and for a year.
 */
async function readHours(reader: Knex, sinceMs: number, limit: number): Promise<AdoptionHour[]> {
  const bounds = await rowsOf<{ first: number | null; last: number | null }>(
    reader.raw('select min(hour_ms) as first, max(hour_ms) as last from adoption_hours where hour_ms >= ?', [
      sinceMs,
    ]),
  );
  const { first, last } = bounds[0] ?? {};
  if (first == null || last == null) return [];
  const stretchMs = Math.max(1, Math.ceil((last - first + HOUR_MS) / HOUR_MS / limit)) * HOUR_MS;
  const rows = await reader<{ hour_ms: number; build: string; running: number }>('adoption_hours')
    .where('hour_ms', '>=', first)
    // Counted from the newest, which is always shown.
    .whereRaw('(? - hour_ms) % ? = 0', [last, stretchMs])
    .orderBy('hour_ms');
  const hours = new Map<number, Map<string, number>>();
  for (const { hour_ms, build, running } of rows) {
    const hour = hours.get(hour_ms) ?? new Map<string, number>();
    hours.set(hour_ms, hour.set(build, running));
  }
  return [...hours].map(([hourMs, running]) => ({ hourMs, running }));
}
