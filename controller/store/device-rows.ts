/** Reading devices: one, a page for operators, a page for plans and campaigns. */
import type { Knex } from 'knex';
import type { BuildId, DeviceId, Sha256 } from '../domain/ids.ts';
import type { CheckIn, DeviceRow, ScannedDevice } from '../ports/index.ts';
import type { Db } from './db.ts';
import type { PreviousGeneration } from './registry.ts';

export interface DeviceRecord {
  readonly device_id: DeviceId;
  readonly generation: number;
  readonly previous_until_ms: number;
  readonly previous_generation: number | null;
  readonly least_generation: number;
  readonly token_kid: string | null;
  readonly token_issued_at_ms: number;
  readonly enrolled_at_ms: number;
  readonly revoked_at_ms: number | null;
  readonly token_sha256: Sha256 | null;
  readonly token_generation: number | null;
  readonly at_ms: number | null;
  readonly version_code: number | null;
  readonly build_id: BuildId | null;
  readonly sdk: number | null;
  readonly signer: Sha256 | null;
  readonly push_token: string | null;
  readonly gap_s: number | null;
}

export const joined = (reader: Knex) =>
  reader('devices as d')
    .leftJoin('check_ins as c', 'c.device_id', 'd.device_id')
    .leftJoin('push_tokens as p', 'p.device_id', 'd.device_id')
    .select<DeviceRecord[]>('d.*', 'c.at_ms', 'c.version_code', 'c.build_id', 'c.sdk', 'c.signer')
    .select<DeviceRecord[]>({ push_token: 'p.token' });

export async function readDevice(db: Db, deviceId: DeviceId): Promise<DeviceRecord | undefined> {
  const [row] = await db.read(reader => joined(reader).where('d.device_id', deviceId));
  return row;
}

export interface ListPage {
  readonly after?: DeviceId | undefined;
  readonly limit: number;
  readonly tag?: string | undefined;
}

export const listRecords = ({ after, limit, tag }: ListPage, db: Db): Promise<DeviceRecord[]> =>
  db.read(reader => {
    const query = joined(reader).orderBy('d.device_id').limit(limit);
    if (after !== undefined) query.where('d.device_id', '>', after);
    if (tag !== undefined)
      query.whereIn('d.device_id', reader('device_tags').select('device_id').where({ tag }));
    return query;
  });

export interface ScanPage {
  readonly after?: DeviceId | undefined;
  readonly ids?: readonly DeviceId[];
  readonly limit: number;
  readonly withPushToken?: boolean;
}

export const scanRecords = (
  { after, ids, limit, withPushToken }: ScanPage,
  db: Db,
): Promise<DeviceRecord[]> =>
  db.read(reader => {
    const query = joined(reader).whereNull('d.revoked_at_ms').orderBy('d.device_id').limit(limit);
    if (after !== undefined) query.where('d.device_id', '>', after);
    if (ids !== undefined) query.whereIn('d.device_id', [...ids]);
    if (withPushToken === true) query.whereNotNull('p.token');
    return query;
  });

/** What the device said last; a check-in that still waits to be written is newer than the row. */
const said = (row: DeviceRecord, waiting: CheckIn | undefined) => ({
  lastSeenMs: waiting?.atMs ?? row.at_ms ?? undefined,
  versionCode: waiting?.versionCode ?? row.version_code ?? undefined,
  buildId: waiting === undefined ? (row.build_id ?? undefined) : waiting.buildId,
  sdk: waiting === undefined ? (row.sdk ?? undefined) : waiting.sdk,
  signer: waiting === undefined ? (row.signer ?? undefined) : waiting.signer,
});

export const toDeviceRow = (
  row: DeviceRecord,
  tags: readonly string[],
  waiting: CheckIn | undefined,
): DeviceRow => ({
  deviceId: row.device_id,
  tags,
  generation: row.generation,
  enrolledAtMs: row.enrolled_at_ms,
  revokedAtMs: row.revoked_at_ms ?? undefined,
  hasPushToken: row.push_token !== null,
  ...said(row, waiting),
});

export const toScanned = (
  row: DeviceRecord,
  tags: readonly string[],
  waiting: CheckIn | undefined,
): ScannedDevice => ({
  deviceId: row.device_id,
  tags,
  generation: row.generation,
  pushToken: row.push_token ?? undefined,
  ...said(row, waiting),
});

/** Undefined outside a renewal. */
export const previousOf = (
  row: Pick<DeviceRecord, 'generation' | 'previous_generation' | 'previous_until_ms'>,
): PreviousGeneration | undefined =>
  row.previous_until_ms === 0
    ? undefined
    : { generation: row.previous_generation ?? row.generation - 1, untilMs: row.previous_until_ms };
