/** Reports of devices: one row per attempt, that is per device, build and request id (SPEC §1, §5). */
import type { Knex } from 'knex';
import type { FinalOutcomes } from '../domain/failure-spike.ts';
import { Fault } from '../domain/fault.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import {
  type Outcome,
  REPEATED_INSTALLS,
  type RecordedOutcome,
  type ResultReason,
} from '../domain/outcome.ts';
import type { OutboxEntry, RepeatedInstalls, Report, Written } from '../ports/index.ts';
import { rowsOf } from './dialect.ts';
import { insertOutbox } from './outbox.ts';

interface AttemptRecord {
  readonly id: number;
  readonly device_id: DeviceId;
  readonly request_id: string;
  readonly build_id: BuildId;
  readonly outcome: RecordedOutcome;
  readonly reason: ResultReason;
  readonly detail: string | null;
  readonly version_code: number;
  readonly timings_ms: string | null;
  readonly at_ms: number;
}

type Row = Omit<AttemptRecord, 'id'>;

/** Outcomes that are not final: the attempt may still end with any outcome. */
const OPEN: ReadonlySet<RecordedOutcome> = new Set<RecordedOutcome>(['deferred', 'contradictory']);

/** An open outcome may change until a final one arrives, which stays. A repeated contradiction counts as a repeat. */
export async function writeReport(
  trx: Knex,
  report: Report,
  outbox: readonly OutboxEntry[],
  atMs: number,
): Promise<Written> {
  const attempt = { device_id: report.deviceId, request_id: report.requestId, build_id: report.buildId };
  const standing = await trx<AttemptRecord>('attempts').where(attempt).first('id', 'outcome', 'reason');
  const same = standing?.outcome === report.outcome && standing.reason === report.reason;
  if (same && report.outcome === 'contradictory') return notNew('repeated');
  if (standing !== undefined && !OPEN.has(standing.outcome)) return notNew(same ? 'repeated' : 'conflict');
  const row: Row = {
    ...attempt,
    outcome: report.outcome,
    reason: report.reason,
    detail: report.detail ?? null,
    version_code: report.versionCode,
    timings_ms: report.timingsMs === undefined ? null : JSON.stringify(report.timingsMs),
    at_ms: report.atMs,
  };
  if (standing === undefined) await insertAttempt(trx, row);
  else await trx<AttemptRecord>('attempts').where({ id: standing.id }).update(row);
  await insertOutbox(trx, outbox, atMs);
  return { verdict: 'recorded', ...(await soFar(trx, report)) };
}

const notNew = (verdict: 'repeated' | 'conflict'): Written => ({ verdict, first: false, installsMs: [] });

/** All reports of this outcome by the device for the build, including this report. */
async function soFar(
  trx: Knex,
  { deviceId, buildId, outcome }: Report,
): Promise<Pick<Written, 'first' | 'installsMs'>> {
  const times = await trx<AttemptRecord>('attempts')
    .where({ device_id: deviceId, build_id: buildId, outcome })
    .orderBy('at_ms', 'desc')
    .limit(REPEATED_INSTALLS.installs + 1)
    .pluck('at_ms');
  return { first: times.length === 1, installsMs: outcome === 'ok' ? times : [] };
}

export async function repeatedInstalls(
  reader: Knex,
  deviceId: DeviceId,
  sinceMs: number,
): Promise<RepeatedInstalls[]> {
  const rows = await rowsOf<{ build_id: BuildId; installs: number; first_at_ms: number }>(
    reader.raw(
      `select build_id, count(*) as installs, min(at_ms) as first_at_ms from attempts
       where device_id = ? and outcome = 'ok' and at_ms >= ?
       group by build_id having count(*) >= ? order by build_id`,
      [deviceId, sinceMs, REPEATED_INSTALLS.installs],
    ),
  );
  return rows.map(row => ({ buildId: row.build_id, installs: row.installs, firstAtMs: row.first_at_ms }));
}

async function insertAttempt(trx: Knex, row: Row): Promise<void> {
  const known = await trx('devices').where({ device_id: row.device_id }).first('device_id');
  if (known === undefined)
    throw new Fault('device_unknown', 'the device was erased while it reported', { retry: 'never' });
  await trx<Row>('attempts').insert(row);
}

/** Counts devices by their newest final outcome, among those that ended an attempt at this build since then. */
export async function countEndings(reader: Knex, buildId: BuildId, sinceMs: number): Promise<FinalOutcomes> {
  const newest = reader('attempts')
    .where({ build_id: buildId })
    .where('at_ms', '>=', sinceMs)
    .whereIn('outcome', ['ok', 'fail'])
    .groupBy('device_id')
    .select(reader.raw('max(id)'));
  const rows = await reader('attempts')
    .whereIn('id', newest)
    .groupBy('outcome', 'reason')
    .select<{ outcome: Outcome; reason: ResultReason; devices: number }[]>(
      'outcome',
      'reason',
      reader.raw('count(*) as devices'),
    );
  return {
    ok: rows.filter(row => row.outcome === 'ok').reduce((sum, { devices }) => sum + devices, 0),
    failed: rows.filter(row => row.outcome === 'fail').map(({ reason, devices }) => ({ reason, devices })),
  };
}

export async function reportsOf(reader: Knex, deviceId: DeviceId, limit: number): Promise<Report[]> {
  const rows = await reader<AttemptRecord>('attempts')
    .where({ device_id: deviceId })
    .orderBy([
      { column: 'at_ms', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit);
  return rows.map(row => ({
    deviceId: row.device_id,
    requestId: row.request_id,
    buildId: row.build_id,
    outcome: row.outcome,
    reason: row.reason,
    detail: row.detail ?? undefined,
    versionCode: row.version_code,
    timingsMs: row.timings_ms === null ? undefined : (JSON.parse(row.timings_ms) as Record<string, number>),
    atMs: row.at_ms,
  }));
}
