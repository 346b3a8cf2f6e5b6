/** The results of a build by devices: each device counts once, by its last report (GATES §2 counts the same way). */
import type { Knex } from 'knex';
import type { BuildId } from '../domain/ids.ts';
import { type Outcome, type ResultReason, VERIFY_FAILURES } from '../domain/outcome.ts';
import type { OutcomeCounts, ReasonCount } from '../ports/index.ts';
import { rowsOf } from './dialect.ts';

interface Counted {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  readonly devices: number;
  readonly confirmed: number;
  /** The attempts of these devices with this outcome and reason. */
  readonly attempts: number;
}

/** `last`: each device's newest final attempt, or else its newest attempt. `runs`: a later check reports this build. */
const COUNTED = `
  with of_build as (
    select device_id, outcome, reason, at_ms, confirmed_at_ms,
      row_number() over (
        partition by device_id
        order by case when outcome in ('ok', 'fail') then 0 else 1 end, at_ms desc, id desc
      ) as place,
      count(*) over (partition by device_id, outcome, reason) as attempts
    from attempts where build_id = ? and outcome <> 'contradictory' and at_ms >= ?
  ), last as (
    select of_build.*,
      case when outcome = 'ok' then confirmed_at_ms is not null
        else outcome = 'fail' and c.at_ms is not null end as runs
    from of_build
    left join builds b on b.build_id = ?
    left join check_ins c on c.device_id = of_build.device_id and c.at_ms >= of_build.at_ms
      and c.version_code = b.version_code and (c.build_id is null or c.build_id = b.build_id)
    where place = 1
  ), judged as (
    select case when runs then 'ok' else outcome end as outcome,
      case when runs then 'installed' else reason end as reason, runs, attempts
    from last
  )
  select outcome, reason, count(*) as devices,
    sum(case when runs then 1 else 0 end) as confirmed, sum(attempts) as attempts
  from judged group by outcome, reason order by outcome, reason`;

export async function countOutcomes(
  reader: Knex,
  buildId: BuildId,
  sinceMs: number | undefined,
): Promise<OutcomeCounts> {
  const rows = await rowsOf<Counted>(reader.raw(COUNTED, [buildId, sinceMs ?? 0, buildId]));
  const sum = (of: (row: Counted) => boolean, what: 'devices' | 'confirmed' = 'devices'): number =>
    rows.filter(of).reduce((total, row) => total + row[what], 0);
  const isFailure = (row: Counted): boolean => row.outcome === 'fail';
  return {
    ok: sum(row => row.outcome === 'ok'),
    confirmed: sum(row => row.outcome === 'ok', 'confirmed'),
    fail: sum(isFailure),
    deferred: sum(row => row.outcome === 'deferred'),
    skipped: sum(row => row.outcome === 'skipped'),
    verifyFail: sum(row => isFailure(row) && VERIFY_FAILURES.has(row.reason)),
    reasons: rows
      .filter(row => isFailure(row) || row.outcome === 'deferred')
      .map(({ outcome, reason, devices, attempts }): ReasonCount => ({ outcome, reason, devices, attempts })),
  };
}
