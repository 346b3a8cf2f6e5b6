/** What devices reported: one row an attempt, that is one device, one build, one request id (SPEC §1, §5). */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { BuildId, DeviceId } from '../domain/ids.ts';
import { type Outcome, type RecordedOutcome, type ResultReason, VERIFY_FAILURES } from '../domain/outcome.ts';
import type { OutboxEntry, OutcomeCounts, Report } from '../ports/index.ts';
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

type Written = Omit<AttemptRecord, 'id'>;

/** Outcomes that are not final: the attempt may still end in any way. */
const OPEN: ReadonlySet<RecordedOutcome> = new Set<RecordedOutcome>(['deferred', 'contradictory']);

/** An open outcome may change until a final one comes; that one stays. A contradiction that is sent again counts as repeated. */
export async function writeReport(
  trx: Knex,
  report: Report,
  outbox: readonly OutboxEntry[],
  atMs: number,
): Promise<'recorded' | 'repeated' | 'conflict'> {
  const attempt = { device_id: report.deviceId, request_id: report.requestId, build_id: report.buildId };
  const standing = await trx<AttemptRecord>('attempts').where(attempt).first('id', 'outcome', 'reason');
  const same = standing?.outcome === report.outcome && standing.reason === report.reason;
  if (same && report.outcome === 'contradictory') return 'repeated';
  if (standing !== undefined && !OPEN.has(standing.outcome)) return same ? 'repeated' : 'conflict';
  const row: Written = {
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
  return 'recorded';
}

async function insertAttempt(trx: Knex, row: Written): Promise<void> {
  const known = await trx('devices').where({ device_id: row.device_id }).first('device_id');
  if (known === undefined)
    throw new Fault('device_unknown', 'the device was erased while it reported', { retry: 'never' });
  await trx<Written>('attempts').insert(row);
}

export async function countAttempts(
  reader: Knex,
  buildId: BuildId,
  sinceMs: number | undefined,
): Promise<OutcomeCounts> {
  const query = reader('attempts').where({ build_id: buildId });
  if (sinceMs !== undefined) query.where('at_ms', '>=', sinceMs);
  const rows = await query
    .groupBy('outcome', 'reason')
    .orderBy(['outcome', 'reason'])
    .select<{ outcome: Outcome; reason: ResultReason; attempts: number; confirmed: number }[]>(
      'outcome',
      'reason',
      reader.raw('count(*) as attempts'),
      reader.raw('count(confirmed_at_ms) as confirmed'),
    );
  const sum = (pick: (row: (typeof rows)[number]) => number | false): number =>
    rows.reduce((total, row) => total + (pick(row) || 0), 0);
  const of = (outcome: Outcome) => sum(row => row.outcome === outcome && row.attempts);
  return {
    ok: of('ok'),
    confirmed: sum(row => row.outcome === 'ok' && row.confirmed),
    fail: of('fail'),
    deferred: of('deferred'),
    skipped: of('skipped'),
    verifyFail: sum(row => row.outcome === 'fail' && VERIFY_FAILURES.has(row.reason) && row.attempts),
    reasons: rows
      .filter(row => row.outcome === 'fail' || row.outcome === 'deferred')
      .map(({ outcome, reason, attempts }) => ({ outcome, reason, attempts })),
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
