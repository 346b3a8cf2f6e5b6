/**
 * Devices by how their id begins and by what they said last. An index walks in id order and gives at most {@link SCANNED}
 * candidates; the whole filter is looked at on those alone. So a page costs the same however large the fleet is, and the
 * caller goes on after the last one that was looked at.
 */
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import type { DeviceFilter } from '../ports/index.ts';
import type { Db } from './db.ts';
import { type DeviceRecord, joined } from './device-rows.ts';
import { bound, valuesIn } from './dialect.ts';

/** Looked at for one page. */
export const SCANNED = 10_000;
/** After every character that an id may have. */
const LAST = '~';

export interface FindPage {
  readonly after?: DeviceId | undefined;
  readonly limit: number;
  readonly filter: DeviceFilter;
}

export const findRecords = (
  page: FindPage,
  db: Db,
): Promise<{ rows: DeviceRecord[]; next: DeviceId | undefined }> =>
  db.read(async reader => {
    const query = joined(reader).orderBy('d.device_id').limit(page.limit);
    if (isPlain(page.filter)) return firstOf(query, page);
    const ids = await candidates(reader, page);
    const given = valuesIn(reader, ids);
    query.whereRaw(`d.device_id in (select value from ${given.sql} as given_ids)`, bound(given.bindings));
    narrow(reader, query, page.filter);
    const rows = await query;
    const end = ids.length === SCANNED ? ids.at(-1) : undefined;
    return { rows, next: rows.length === page.limit ? rows.at(-1)?.device_id : end };
  });

/** Nothing but how the id begins: the primary key knows it, in one query. */
const isPlain = ({ prefix: _, ...others }: DeviceFilter): boolean =>
  Object.values(others).every(given => given === undefined);

async function firstOf(
  query: Knex.QueryBuilder<DeviceRecord, DeviceRecord[]>,
  { after, limit, filter: { prefix = '' } }: FindPage,
): Promise<{ rows: DeviceRecord[]; next: DeviceId | undefined }> {
  if (after !== undefined) query.where('d.device_id', '>', after);
  if (prefix !== '') query.whereBetween('d.device_id', [prefix, prefix + LAST]);
  const rows = await query;
  return { rows, next: rows.length === limit ? rows.at(-1)?.device_id : undefined };
}

/** In id order, by the condition that is the rarest as a rule. */
function candidates(reader: Knex, { after, filter }: FindPage): Promise<DeviceId[]> {
  const { prefix = '', tag, build, attempt } = filter;
  const failed = attempt?.outcome;
  const from =
    attempt !== undefined && failed !== undefined
      ? reader('attempts').where({ build_id: attempt.buildId, outcome: failed }).groupBy('device_id')
      : tag !== undefined
        ? reader('device_tags').where({ tag })
        : build?.versionCode !== undefined
          ? reader('check_ins').where({ version_code: build.versionCode })
          : reader('devices');
  if (after !== undefined) from.where('device_id', '>', after);
  if (prefix !== '') from.whereBetween('device_id', [prefix, prefix + LAST]);
  return from.orderBy('device_id').limit(SCANNED).pluck('device_id');
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
