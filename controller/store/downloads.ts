/** Every attempt to download an APK as a row of `apk_download_events` with `source="agent-ota"`. */
import type { Knex } from 'knex';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { DownloadEvent } from '../ports/index.ts';

const SOURCE = 'agent-ota';
const TABLE = 'apk_download_events';
/** Bytes were sent, wholly or in part. A 304 or a refusal is an attempt, not a download. */
const SENT = [200, 206];
/** The object store sends the bytes. */
export const REDIRECTED = 307;
/** Statuses of attempts that gave a device bytes. */
export const STATUSES_WITH_BYTES = '(200, 206, 307)';

interface DownloadRecord {
  readonly id: number;
  readonly device_id: DeviceId;
  readonly build_id: BuildId;
  readonly request_id: string | null;
  readonly source: string;
  readonly result: string;
  readonly status: number;
  readonly bytes: number;
  readonly at_ms: number;
  readonly last_byte: boolean | number | null;
  readonly charged: number | null;
}

export async function insertDownload(trx: Knex, event: DownloadEvent): Promise<void> {
  const row: Omit<DownloadRecord, 'id'> = {
    device_id: event.deviceId,
    build_id: event.buildId,
    request_id: event.requestId ?? null,
    source: SOURCE,
    result: event.result,
    status: event.status,
    bytes: event.bytes,
    at_ms: event.atMs,
    last_byte: event.lastByte,
    charged: event.charged ?? null,
  };
  // A device that was erased while it downloaded leaves no row.
  const known = await trx('devices').where({ device_id: event.deviceId }).first('device_id');
  if (known !== undefined) await trx<DownloadRecord>(TABLE).insert(row);
}

/** False if the attempt was not redirected, or if it is confirmed already. */
async function awaitsConfirmation(reader: Knex, attempt: Confirmed): Promise<boolean> {
  const rows = await redirectsOf(reader, attempt);
  return rows.length > 0 && !rows.some(row => Boolean(row.last_byte));
}

export interface Confirmed {
  readonly deviceId: DeviceId;
  readonly buildId: BuildId;
  readonly requestId: string;
  readonly atMs: number;
}

/** A separate row: the row of the redirect keeps its own time. */
export async function insertConfirmation(trx: Knex, attempt: Confirmed): Promise<void> {
  if (!(await awaitsConfirmation(trx, attempt))) return;
  await insertDownload(trx, { ...attempt, result: 'ok', status: REDIRECTED, bytes: 0, lastByte: true });
}

const redirectsOf = (
  reader: Knex,
  { deviceId, buildId, requestId }: Confirmed,
): Promise<Pick<DownloadRecord, 'last_byte'>[]> =>
  reader<DownloadRecord>(TABLE)
    .where({ device_id: deviceId, build_id: buildId, request_id: requestId, status: REDIRECTED })
    .select('last_byte');

/** Counts all of them whatever their outcome: sent bytes cost the same. */
export async function sentSince(
  reader: Knex,
  deviceId: DeviceId,
  buildId: BuildId,
  sinceMs: number,
  maxBytes: number,
): Promise<{ bytes: number; belowFromMs: number | undefined }> {
  const events = reader(TABLE)
    .where({ device_id: deviceId, build_id: buildId })
    .where('at_ms', '>=', sinceMs);
  const [sum] = await events
    .clone()
    .select<{ bytes: number | null }[]>(reader.raw('sum(coalesce(charged, bytes)) as bytes'));
  const bytes = Number(sum?.bytes ?? 0);
  if (bytes < maxBytes) return { bytes, belowFromMs: undefined };
  const running = events
    .clone()
    .select('at_ms', 'id', reader.raw('sum(coalesce(charged, bytes)) over (order by at_ms, id) as running'))
    .as('events');
  const first = await reader
    .from(running)
    .where('running', '>', bytes - maxBytes)
    .orderBy(['at_ms', 'id'])
    .first<{ at_ms: number } | undefined>('at_ms');
  return { bytes, belowFromMs: first?.at_ms };
}

export async function downloadStats(
  reader: Knex,
  buildId: BuildId,
): Promise<{ downloads: number; bytes: number; fails: number }> {
  const rows = await reader(TABLE)
    .where({ build_id: buildId })
    .groupBy('result', 'status', 'last_byte')
    .select<(Pick<DownloadRecord, 'result' | 'status' | 'last_byte' | 'bytes'> & { attempts: number })[]>(
      'result',
      'status',
      'last_byte',
      reader.raw('count(*) as attempts'),
      reader.raw('sum(bytes) as bytes'),
    );
  const stats = { downloads: 0, bytes: 0, fails: 0 };
  for (const row of rows) {
    stats.bytes += row.bytes;
    if (row.result !== 'ok') stats.fails += row.attempts;
    else if (SENT.includes(row.status)) stats.downloads += row.attempts;
    else if (row.status === REDIRECTED && row.last_byte) stats.downloads += row.attempts;
  }
  return stats;
}

export async function downloadsOf(reader: Knex, deviceId: DeviceId, limit: number): Promise<DownloadEvent[]> {
  const rows = await reader<DownloadRecord>(TABLE)
    .where({ device_id: deviceId })
    .orderBy([
      { column: 'at_ms', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit);
  return rows.map(row => ({
    deviceId: row.device_id,
    buildId: row.build_id,
    requestId: row.request_id ?? undefined,
    result: row.result,
    status: row.status,
    bytes: row.bytes,
    atMs: row.at_ms,
    lastByte: Boolean(row.last_byte),
  }));
}
