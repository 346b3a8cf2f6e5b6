/** Erases a device: deletes its rows in all tables and leaves only a tombstone. */
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import type { DeviceRecord } from './device-rows.ts';
import { tombstoneOf } from './enrol.ts';
import { tallyErased } from './evidence-tally.ts';

/** Foreign keys delete the device's rows in all other tables. Undefined for a device that is not enrolled. */
export async function eraseRows(trx: Knex, deviceId: DeviceId): Promise<DeviceRecord | undefined> {
  const row = await trx<DeviceRecord>('devices').where({ device_id: deviceId }).first();
  if (row === undefined) return undefined;
  await trx('erased_devices')
    .insert({ id_sha256: tombstoneOf(deviceId), generation: row.generation })
    .onConflict('id_sha256')
    .merge();
  await tallyErased(trx, deviceId);
  await trx('devices').where({ device_id: deviceId }).delete();
  return row;
}
