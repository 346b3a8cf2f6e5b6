/** Adoption over time: the curve in the pull request's comment. */
import type { AdoptionSample, AdoptionStore } from '../ports/index.ts';
import type { Db } from './db.ts';

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
