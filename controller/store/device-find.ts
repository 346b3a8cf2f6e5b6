/**
 * Devices by what they said last. A page looks at so many devices and no more, however few of them match, so its cost does
 * not grow with the fleet; the caller goes on after the last one that was looked at.
 */
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import type { DeviceFilter } from '../ports/index.ts';
import type { Db } from './db.ts';
import { type DeviceRecord, joined } from './device-rows.ts';

/** Looked at for one page. */
const SCANNED = 10_000;

export interface FindPage {
  readonly after?: DeviceId | undefined;
  readonly limit: number;
  readonly filter: DeviceFilter;
}

export const findRecords = (
  { after, limit, filter }: FindPage,
  db: Db,
): Promise<{ rows: DeviceRecord[]; next: DeviceId | undefined }> =>
  db.read(async reader => {
    const end = await endOf(reader, after);
    const query = joined(reader).orderBy('d.device_id').limit(limit);
    if (after !== undefined) query.where('d.device_id', '>', after);
    if (end !== undefined) query.where('d.device_id', '<=', end);
    narrow(reader, query, filter);
    const rows = await query;
    return { rows, next: rows.length === limit ? rows.at(-1)?.device_id : end };
  });

/** The last device that this page looks at; undefined when it reaches the end of the fleet. */
async function endOf(reader: Knex, after: DeviceId | undefined): Promise<DeviceId | undefined> {
  const query = reader<DeviceRecord>('devices')
    .orderBy('device_id')
    .offset(SCANNED - 1);
  if (after !== undefined) query.where('device_id', '>', after);
  return (await query.first('device_id'))?.device_id;
}

function narrow(reader: Knex, query: Knex.QueryBuilder, filter: DeviceFilter): void {
  const { tag, build, attempt, seenSinceMs, notSeenSinceMs, revoked } = filter;
  if (tag !== undefined)
    query.whereIn('d.device_id', reader('device_tags').select('device_id').where({ tag }));
  if (build !== undefined)
    query.where(runs =>
      runs
        .where('c.build_id', build.buildId)
        // A device that named no build runs it by its version code.
        .orWhere(unnamed => unnamed.whereNull('c.build_id').where('c.version_code', build.versionCode ?? -1)),
    );
  if (attempt !== undefined) query.whereExists(newestAttempt(reader, attempt));
  if (seenSinceMs !== undefined) query.where('c.at_ms', '>=', seenSinceMs);
  if (notSeenSinceMs !== undefined)
    query.where(silent => silent.where('c.at_ms', '<', notSeenSinceMs).orWhereNull('c.at_ms'));
  if (revoked === true) query.whereNotNull('d.revoked_at_ms');
  if (revoked === false) query.whereNull('d.revoked_at_ms');
}

/** The newest attempt of the device at this build ended so. */
function newestAttempt(reader: Knex, { buildId, outcome, reason }: NonNullable<DeviceFilter['attempt']>) {
  const later = reader('attempts as b')
    .whereRaw('b.device_id = a.device_id and b.build_id = a.build_id')
    .whereRaw('(b.at_ms > a.at_ms or (b.at_ms = a.at_ms and b.id > a.id))');
  const query = reader('attempts as a')
    .whereRaw('a.device_id = d.device_id')
    .where('a.build_id', buildId)
    .whereNotExists(later);
  if (outcome !== undefined) query.where('a.outcome', outcome);
  if (reason !== undefined) query.where('a.reason', reason);
  return query;
}
