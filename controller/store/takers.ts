/** The evidence behind halts: one row per device, derived from its downloads and reports. */
import type { Knex } from 'knex';
import type { Taker } from '../domain/gate/takers.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { Outcome, ResultReason } from '../domain/outcome.ts';
import type { FailedDevices } from '../ports/index.ts';
import { rowsOf } from './dialect.ts';
import { STATUSES_WITH_BYTES } from './downloads.ts';

interface TakerRecord {
  readonly device_id: DeviceId;
  readonly last_byte_at_ms: number | null;
  readonly old_bytes: number;
  readonly old_at_ms: number | null;
  readonly final_outcome: Outcome | null;
  readonly final_reason: ResultReason | null;
  readonly final_at_ms: number | null;
  readonly newest_outcome: Outcome | null;
  readonly newest_reason: ResultReason | null;
}

/**
 * A device took the build if it was sent the last byte of it, or was sent some of it and has a final outcome. A device
 * that was sent nothing is no evidence, whatever it reports. Events of older versions do not say which bytes were sent,
 * so their sum decides.
 */
export async function readTakers(reader: Knex, buildId: BuildId, sizeBytes: number): Promise<Taker[]> {
  const rows = await rowsOf<TakerRecord>(
    reader.raw(
      `with sent as (
         select device_id,
           min(case when last_byte then at_ms end) as last_byte_at_ms,
           sum(case when last_byte is null then bytes else 0 end) as old_bytes,
           max(case when last_byte is null then at_ms end) as old_at_ms
         from apk_download_events
         where build_id = ? and status in ${STATUSES_WITH_BYTES} group by device_id
       ), final as (
         select device_id, max(id) as id from attempts
         where build_id = ? and outcome in ('ok', 'fail') group by device_id
       ), newest as (
         select device_id, max(id) as id from attempts where build_id = ? group by device_id
       )
       select sent.device_id, sent.last_byte_at_ms, sent.old_bytes, sent.old_at_ms,
         f.outcome as final_outcome, f.reason as final_reason, f.at_ms as final_at_ms,
         n.outcome as newest_outcome, n.reason as newest_reason
       from sent
       left join final on final.device_id = sent.device_id left join attempts f on f.id = final.id
       left join newest on newest.device_id = sent.device_id left join attempts n on n.id = newest.id
       where not exists (select 1 from evidence_exclusions x
         where x.build_id = ? and x.device_id = sent.device_id)`,
      [buildId, buildId, buildId, buildId],
    ),
  );
  return rows.map(row => ({
    deviceId: row.device_id,
    takenAtMs: takenAtMs(row, sizeBytes),
    final: row.final_outcome === 'fail' ? (row.final_reason ?? undefined) : undefined,
    newest:
      row.newest_outcome === null || row.newest_reason === null
        ? undefined
        : { outcome: row.newest_outcome, reason: row.newest_reason },
  }));
}

function takenAtMs(row: TakerRecord, sizeBytes: number): number | undefined {
  const oldMs = row.old_bytes >= sizeBytes ? row.old_at_ms : null;
  const moments = [row.last_byte_at_ms, oldMs, row.final_at_ms].filter(ms => ms !== null);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

interface FailedRecord {
  readonly reason: ResultReason;
  readonly sdk: number | null;
  readonly version_code: number;
  readonly devices: number;
}

export async function readFailed(reader: Knex, buildId: BuildId, limit: number): Promise<FailedDevices[]> {
  const rows = await rowsOf<FailedRecord>(
    reader.raw(
      `select f.reason, c.sdk, f.version_code, count(*) as devices
       from (select device_id, max(id) as id from attempts
         where build_id = ? and outcome in ('ok', 'fail') group by device_id) as final
       join attempts f on f.id = final.id
       left join check_ins c on c.device_id = f.device_id
       where f.outcome = 'fail'
         and exists (select 1 from apk_download_events d
           where d.device_id = f.device_id and d.build_id = ? and d.status in ${STATUSES_WITH_BYTES})
         and not exists (select 1 from evidence_exclusions x
           where x.build_id = ? and x.device_id = f.device_id)
       group by f.reason, c.sdk, f.version_code
       order by devices desc, f.reason, c.sdk nulls first, f.version_code limit ?`,
      [buildId, buildId, buildId, limit],
    ),
  );
  return rows.map(row => ({
    reason: row.reason,
    sdk: row.sdk ?? undefined,
    fromVersionCode: row.version_code,
    devices: row.devices,
  }));
}
