/** Reading devices: one, a page for operators, a page for plans and campaigns. */
import type { Knex } from 'knex';
import type { BuildId, DeviceId, Sha256 } from '../domain/ids.ts';
import type { CheckIn, DeviceRow, ScannedDevice } from '../ports/index.ts';
import type { Db } from './db.ts';
import { jsonRows, rowsOf } from './dialect.ts';
import type { PreviousGeneration } from './registered-device.ts';

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

/** All data of the devices of `page`, a query of their ids, in id order. */
export const detailsOf = (reader: Knex, page: Knex.QueryBuilder) =>
  reader(page.as('page'))
    .join('devices as d', 'd.device_id', 'page.device_id')
    .leftJoin('check_ins as c', 'c.device_id', 'd.device_id')
    .leftJoin('push_tokens as p', 'p.device_id', 'd.device_id')
    .select<DeviceRecord[]>('d.*', 'c.at_ms', 'c.version_code', 'c.build_id', 'c.sdk', 'c.signer')
    .select<DeviceRecord[]>({ push_token: 'p.token' })
    .orderBy('d.device_id');

export async function readDevice(db: Db, deviceId: DeviceId): Promise<DeviceRecord | undefined> {
  const [row] = await db.read(reader =>
    detailsOf(reader, reader('devices').select('device_id').where({ device_id: deviceId })),
  );
  return row;
}

interface ListPage {
  readonly after?: DeviceId | undefined;
  readonly limit: number;
  readonly tag?: string | undefined;
}

export const listRecords = ({ after, limit, tag }: ListPage, db: Db): Promise<DeviceRecord[]> =>
  db.read(reader => {
    const page =
      tag === undefined
        ? walk(reader('devices'), after, limit)
        : walkWithin(reader('device_tags'), { tag }, after, limit);
    return detailsOf(reader, page);
  });

/**
 * A page of ids in id order, chosen before any join. A database that has not analysed its tables may underestimate the
 * joined rows, and would then read the whole fleet to sort it.
 */
export function walk(ids: Knex.QueryBuilder, after: DeviceId | undefined, limit: number): Knex.QueryBuilder {
  if (after !== undefined) ids.where('device_id', '>', after);
  return ids.select('device_id').orderBy('device_id').limit(limit);
}

/**
 * The same among rows with one value of a column, by an index on that column and the id. Written as a range: a database
 * without statistics expects few rows to equal a value, and then sorts all of them.
 */
export function walkWithin(
  ids: Knex.QueryBuilder,
  where: Readonly<Record<string, string | number>>,
  after: DeviceId | undefined,
  limit: number,
): Knex.QueryBuilder {
  for (const [column, value] of Object.entries(where))
    ids
      .whereRaw('(??, device_id) > (?, ?)', [column, value, after ?? ''])
      .where(column, '<=', value)
      .orderBy(column);
  return walk(ids, undefined, limit);
}

interface ScanPage {
  readonly after?: DeviceId | undefined;
  readonly ids?: readonly DeviceId[];
  readonly limit: number;
  readonly withPushToken?: boolean;
}

/** Below 0 while it is not. A comparison, since a database without statistics takes `is null` for a rarity. */
const REVOKED = 'coalesce(revoked_at_ms, -1)';

/** What is scanned of one device, in the order of {@link SCANNED}. */
export type ScannedRecord = readonly [
  deviceId: DeviceId,
  generation: number,
  pushToken: string | null,
  atMs: number | null,
  versionCode: number | null,
  buildId: BuildId | null,
  sdk: number | null,
  signer: Sha256 | null,
];
const SCANNED = [
  'd.device_id',
  'd.generation',
  'p.token',
  'c.at_ms',
  'c.version_code',
  'c.build_id',
  'c.sdk',
  'c.signer',
];

/**
 * A whole fleet is scanned while devices check in, so a page comes as one text: one row object per device costs twice
 * as much.
 */
export const scanRecords = (
  { after, ids, limit, withPushToken }: ScanPage,
  db: Db,
): Promise<ScannedRecord[]> =>
  db.read(async reader => {
    const page = withPushToken === true ? reader('push_tokens') : reader('devices');
    if (ids !== undefined) page.whereIn('device_id', [...ids]);
    page.whereRaw(
      withPushToken === true
        ? `(select ${REVOKED} from devices as d where d.device_id = push_tokens.device_id) < 0`
        : `${REVOKED} < 0`,
    );
    const { sql, bindings } = jsonRows(
      reader,
      SCANNED,
      `from ? as page
       join devices as d on d.device_id = page.device_id
       left join check_ins as c on c.device_id = d.device_id
       left join push_tokens as p on p.device_id = d.device_id
       order by d.device_id`,
      [walk(page, after, limit)],
    );
    const [made] = await rowsOf<{ rows: string | null }>(reader.raw(sql, bindings));
    return JSON.parse(made?.rows ?? '[]') as ScannedRecord[];
  });

/** The last report of the device. */
type Said = Pick<ScannedDevice, 'lastSeenMs' | 'versionCode' | 'buildId' | 'sdk' | 'signer'>;

/** A check-in that is not written yet; it is newer than the row. */
const saidAtLast = ({ atMs, versionCode, buildId, sdk, signer }: CheckIn): Said => ({
  lastSeenMs: atMs,
  versionCode,
  buildId,
  sdk,
  signer,
});

const saidIn = (row: DeviceRecord): Said => ({
  lastSeenMs: row.at_ms ?? undefined,
  versionCode: row.version_code ?? undefined,
  buildId: row.build_id ?? undefined,
  sdk: row.sdk ?? undefined,
  signer: row.signer ?? undefined,
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
  ...(waiting === undefined ? saidIn(row) : saidAtLast(waiting)),
});

/**
 * One literal: a fleet may have a million of them, and spreading two objects into a third costs more than the query.
 */
export function toScanned(
  row: ScannedRecord,
  tags: readonly string[],
  waiting: CheckIn | undefined,
): ScannedDevice {
  const isNewer = waiting !== undefined;
  return {
    deviceId: row[0],
    tags,
    generation: row[1],
    pushToken: row[2] ?? undefined,
    lastSeenMs: isNewer ? waiting.atMs : (row[3] ?? undefined),
    versionCode: isNewer ? waiting.versionCode : (row[4] ?? undefined),
    buildId: isNewer ? waiting.buildId : (row[5] ?? undefined),
    sdk: isNewer ? waiting.sdk : (row[6] ?? undefined),
    signer: isNewer ? waiting.signer : (row[7] ?? undefined),
  };
}

/** Undefined outside a renewal. */
export const previousOf = (
  row: Pick<DeviceRecord, 'generation' | 'previous_generation' | 'previous_until_ms'>,
): PreviousGeneration | undefined =>
  row.previous_until_ms === 0
    ? undefined
    : { generation: row.previous_generation ?? row.generation - 1, untilMs: row.previous_until_ms };
