/** Erased devices still count, by class and build, but nothing identifies them. */
import type { Knex } from 'knex';
import type { ErasedTakers } from '../domain/gate/takers.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import { rowsOf } from './dialect.ts';
import { STATUSES_WITH_BYTES } from './downloads.ts';

interface Left {
  readonly build_id: BuildId;
  readonly class: string;
}

/** Called in the transaction that erases the device, before its rows are deleted. */
export async function tallyErased(trx: Knex, deviceId: DeviceId): Promise<void> {
  const left = await rowsOf<Left>(
    trx.raw(
      `select sent.build_id, case
         when c.version_code = b.version_code then 'ran'
         when f.outcome = 'fail' then f.reason
         else 'taken' end as class
       from (select build_id, max(case when last_byte or (last_byte is null and status = 200 and result = 'ok') then 1 else 0 end) as whole
         from apk_download_events where device_id = ? and status in ${STATUSES_WITH_BYTES} group by build_id) as sent
       join builds b on b.build_id = sent.build_id
       left join check_ins c on c.device_id = ?
       left join attempts f on f.id = (select max(id) from attempts
         where device_id = ? and build_id = sent.build_id and outcome in ('ok', 'fail'))
       where (sent.whole = 1 or f.id is not null or c.version_code = b.version_code)
         and not exists (select 1 from evidence_exclusions x where x.build_id = sent.build_id and x.device_id = ?)`,
      [deviceId, deviceId, deviceId, deviceId],
    ),
  );
  for (const row of left)
    await trx('evidence_tally')
      .insert({ ...row, devices: 1 })
      .onConflict(['build_id', 'class'])
      .merge({ devices: trx.raw('evidence_tally.devices + 1') });
}

export async function readTally(reader: Knex, buildId: BuildId): Promise<ErasedTakers[]> {
  const rows = await reader<{ build_id: string; class: string; devices: number }>('evidence_tally').where({
    build_id: buildId,
  });
  return rows.map(row => ({ evidenceClass: row.class, devices: row.devices }));
}
