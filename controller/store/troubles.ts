/** Why devices do not run a build that was offered to them, counted by reason and SDK. */
import type { Knex } from 'knex';
import type { BuildId } from '../domain/ids.ts';
import type { Outcome, ResultReason } from '../domain/outcome.ts';
import type { Trouble } from '../ports/index.ts';
import { rowsOf } from './dialect.ts';

interface TroubleRecord {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  readonly sdk: number | null;
  readonly devices: number;
}

export async function troublesOf(
  reader: Knex,
  { buildId, versionCode }: { readonly buildId: BuildId; readonly versionCode: number },
): Promise<Trouble[]> {
  const rows = await rowsOf<TroubleRecord>(
    reader.raw(
      `select a.outcome, a.reason, c.sdk, count(*) as devices
       from (
         select device_id, max(id) as id from attempts
         where build_id = ? and outcome in ('fail', 'deferred') group by device_id
       ) as newest
       join attempts as a on a.id = newest.id
       left join check_ins as c on c.device_id = newest.device_id
       where c.version_code is null or c.version_code <> ?
       group by a.outcome, a.reason, c.sdk
       order by a.outcome, a.reason, c.sdk nulls first`,
      [buildId, versionCode],
    ),
  );
  return rows.map(row => ({ ...row, sdk: row.sdk ?? undefined }));
}
