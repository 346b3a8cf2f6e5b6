/**
 * Finds devices by the beginning of their id and by their last report. An index scan in id order gives at most {@link
 * SCANNED} candidates, and only those are filtered. So a page costs the same in a fleet of any size. The caller
 * continues after the last candidate.
 */
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import type { DeviceFilter } from '../ports/index.ts';
import type { Db } from './db.ts';
import { type DeviceRecord, detailsOf, walk, walkWithin } from './device-rows.ts';
import { valuesIn } from './dialect.ts';

/** Candidates for one page. */
const MAX_SCANNED = 10_000;
/** Sorts after every character that an id may have. */
const LAST = '~';

interface FindPage {
  readonly after?: DeviceId | undefined;
  readonly limit: number;
  readonly filter: DeviceFilter;
}

export const findRecords = (
  page: FindPage,
  db: Db,
): Promise<{ rows: DeviceRecord[]; next: DeviceId | undefined }> =>
  db.read(async reader => {
    if (isPlain(page.filter)) return firstOf(reader, page);
    const ids = await candidates(reader, page);
    const given = valuesIn(reader, ids);
    const found = reader.select('value as device_id').from(
      // Knex has no other way to put a table expression with bindings into a query.
      reader.raw(`${given.sql} as given_ids`, given.bindings) as unknown as Knex.Raw<never>,
    );
    const query = detailsOf(reader, found).limit(page.limit);
    narrow(reader, query, page.filter);
    const rows = await query;
    const end = ids.length === MAX_SCANNED ? ids.at(-1) : undefined;
    return { rows, next: rows.length === page.limit ? rows.at(-1)?.device_id : end };
  });

/** Filters only by the beginning of the id: one query on the primary key. */
const isPlain = ({ prefix: _, ...others }: DeviceFilter): boolean =>
  Object.values(others).every(given => given === undefined);

async function firstOf(
  reader: Knex,
  { after, limit, filter: { prefix = '' } }: FindPage,
): Promise<{ rows: DeviceRecord[]; next: DeviceId | undefined }> {
  const page = walk(reader('devices').where('device_id', '>=', prefix), after, limit);
  const query = detailsOf(reader, page);
  if (prefix !== '') query.where('d.device_id', '<=', prefix + LAST);
  const rows = await query;
  return { rows, next: rows.length === limit ? rows.at(-1)?.device_id : undefined };
}

/** Scans in id order by the condition that is usually the rarest. Ids after the prefix are removed at the end. */
async function candidates(reader: Knex, { after, filter }: FindPage): Promise<DeviceId[]> {
  const { prefix = '', tag, build, attempt } = filter;
  const failed = attempt?.outcome;
  const from = (table: string): Knex.QueryBuilder => reader(table).where('device_id', '>=', prefix);
  const walked =
    attempt !== undefined && failed !== undefined
      ? walk(
          from('attempts').where({ build_id: attempt.buildId, outcome: failed }).groupBy('device_id'),
          after,
          MAX_SCANNED,
        )
      : tag !== undefined
        ? walkWithin(from('device_tags'), { tag }, after, MAX_SCANNED)
        : build?.versionCode !== undefined
          ? walkWithin(from('check_ins'), { version_code: build.versionCode }, after, MAX_SCANNED)
          : walk(from('devices'), after, MAX_SCANNED);
  const ids: DeviceId[] = await walked.pluck('device_id');
  return prefix === '' ? ids : ids.filter(id => id <= prefix + LAST);
}

function narrow(reader: Knex, query: Knex.QueryBuilder, filter: DeviceFilter): void {
  const { tag, build, attempt, seenSinceMs, notSeenSinceMs, revoked } = filter;
  if (tag !== undefined)
    query.whereIn('d.device_id', reader('device_tags').select('device_id').where({ tag }));
  if (build !== undefined)
    query.where(runs =>
      runs
        .where('c.build_id', build.buildId)
        // If a device named no build, its version code decides.
        .orWhere(unnamed => unnamed.whereNull('c.build_id').where('c.version_code', build.versionCode ?? -1)),
    );
  if (attempt !== undefined) query.whereExists(newestAttempt(reader, attempt));
  if (seenSinceMs !== undefined) query.where('c.at_ms', '>=', seenSinceMs);
  if (notSeenSinceMs !== undefined)
    query.where(silent => silent.where('c.at_ms', '<', notSeenSinceMs).orWhereNull('c.at_ms'));
  if (revoked === true) query.whereNotNull('d.revoked_at_ms');
  if (revoked === false) query.whereNull('d.revoked_at_ms');
}

/** The newest attempt of the device at this build ended with this outcome. */
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
