/** Failures of one build, read from the attempts by an index that holds one build's failures in the order of devices. */
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import type { ResultReason } from '../domain/outcome.ts';
import type { FailureGroup, FailureQuery, FailureStore } from '../ports/index.ts';
import type { Db } from './db.ts';

const MOST_GROUPS = 100;

const COLUMN: Readonly<Record<FailureGroup, string>> = {
  reason: 'n.reason',
  sdk: 'c.sdk',
  from_version: 'n.version_code',
};

interface DeviceRecord {
  readonly device_id: DeviceId;
  readonly reason: ResultReason;
  readonly detail: string | null;
  readonly sdk: number | null;
  readonly version_code: number;
  readonly at_ms: number;
  readonly recovered: number;
}

export function makeFailureStore(db: Db): FailureStore {
  return {
    count: (query, by) =>
      db.read(async reader => {
        const rows = await newest(reader, query)
          .groupBy(COLUMN[by])
          .orderByRaw(`devices desc, ${COLUMN[by]} nulls first`)
          .limit(MOST_GROUPS)
          .select<{ key: string | number | null; devices: number; recovered: number }[]>(
            { key: COLUMN[by] },
            reader.raw('count(*) as devices'),
            reader.raw(`sum(${RECOVERED}) as recovered`, recoveredBindings(query)),
          );
        return rows.map(row => ({ ...row, key: row.key ?? undefined }));
      }),
    devices: (query, { after, limit }) =>
      db.read(async reader => {
        const rows = await newest(reader, query, after)
          .orderBy('n.device_id')
          .limit(limit)
          .select<DeviceRecord[]>(
            'n.device_id',
            'n.reason',
            'n.detail',
            'c.sdk',
            'n.version_code',
            'n.at_ms',
            reader.raw(`${RECOVERED} as recovered`, recoveredBindings(query)),
          );
        return rows.map(row => ({
          deviceId: row.device_id,
          reason: row.reason,
          detail: row.detail ?? undefined,
          sdk: row.sdk ?? undefined,
          fromVersion: row.version_code,
          atMs: row.at_ms,
          recovered: row.recovered === 1,
        }));
      }),
  };
}

/** If a device named no build, its version code decides. */
const RECOVERED = 'case when c.build_id = ? or (c.build_id is null and c.version_code = ?) then 1 else 0 end';
const recoveredBindings = ({ buildId, versionCode }: FailureQuery) => [buildId, versionCode ?? -1];

/** One row per device: its newest failed attempt at the build. */
function newest(reader: Knex, query: FailureQuery, after?: DeviceId) {
  const failed = reader('attempts')
    .where({ build_id: query.buildId, outcome: 'fail' })
    .select(
      'device_id',
      'reason',
      'detail',
      'version_code',
      'at_ms',
      reader.raw('row_number() over (partition by device_id order by at_ms desc, id desc) as place'),
    );
  if (query.sinceMs !== undefined) failed.where('at_ms', '>=', query.sinceMs);
  if (after !== undefined) failed.where('device_id', '>', after);
  const rows = reader
    .from(failed.as('n'))
    .leftJoin('check_ins as c', 'c.device_id', 'n.device_id')
    .where('n.place', 1);
  if (query.reason !== undefined) rows.where('n.reason', query.reason);
  if (query.sdk !== undefined) rows.where('c.sdk', query.sdk);
  if (query.fromVersion !== undefined) rows.where('n.version_code', query.fromVersion);
  return rows;
}
