/**
 * The last check of each device. Rows are buffered and written in batches after the answers (SPEC §10), so a crash may
 * lose these rows and no others. The newest check of a device wins. A later check also confirms an `ok` (SPEC §5).
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { DeviceId } from '../domain/ids.ts';
import type { CheckIn } from '../ports/index.ts';
import type { Db } from './db.ts';
import { type Cell, isPostgres, type Rows, rowsIn } from './dialect.ts';
import { neighbours } from './neighbours.ts';

export interface CheckIns {
  /** `gapS`: how often the device checks in, if known. */
  record(row: CheckIn, gapS?: number): void;
  /** The check-in of a device that is not committed yet, if any. */
  pending(deviceId: DeviceId): CheckIn | undefined;
  forget(deviceId: DeviceId): void;
  /** Resolves once everything recorded before this call is committed. */
  flush(): Promise<void>;
}

interface CheckInOptions {
  readonly db: Pick<Db, 'write'>;
  readonly onFault: (part: 'check_ins', fault: unknown) => void;
  /**
   * At this number of rows a flush begins without waiting for the timer. At four times as many, new rows are dropped.
   */
  readonly flushAt: number;
}

/** Rows per transaction: few enough that preparing them does not block the event loop for long. */
const ROWS_PER_WRITE = 2_000;

const COLUMNS = ['device_id', 'at_ms', 'version_code', 'build_id', 'sdk', 'signer', 'gap_s'];

interface Recorded {
  readonly row: CheckIn;
  readonly gapS: number | undefined;
  /** The device was erased while its row waited. The row is dropped, since the device may be enrolled again. */
  isForgotten: boolean;
}

export function makeCheckIns({ db, onFault, flushAt }: CheckInOptions): CheckIns {
  let buffered = new Map<DeviceId, Recorded>();
  /** Rows taken out of the buffer that are being written. */
  let leaving = new Map<DeviceId, Recorded>();
  let flushing: Promise<void> | undefined;
  let overflowing = false;

  async function writeAll(): Promise<void> {
    leaving = buffered;
    buffered = new Map();
    const unwritten = neighbours([...leaving.values()], ROWS_PER_WRITE, ({ row }) => row.deviceId);
    try {
      for (let piece = unwritten[0]; piece !== undefined; piece = unwritten[0]) {
        const rows = piece;
        await db.write(trx =>
          writeRows(
            trx,
            rows.filter(recorded => !recorded.isForgotten),
          ),
        );
        unwritten.shift();
      }
    } finally {
      // Rows that were not written go back into the buffer, unless the device has checked in again since.
      for (const piece of unwritten)
        for (const recorded of piece)
          if (!recorded.isForgotten && !buffered.has(recorded.row.deviceId))
            buffered.set(recorded.row.deviceId, recorded);
      leaving = new Map();
    }
  }

  async function flush(): Promise<void> {
    while (flushing !== undefined) await flushing.catch(() => undefined);
    if (buffered.size === 0) return;
    flushing = writeAll().finally(() => {
      flushing = undefined;
    });
    await flushing;
    overflowing = false;
  }

  return {
    flush,
    pending: deviceId => (buffered.get(deviceId) ?? leaving.get(deviceId))?.row,
    forget: deviceId => {
      const recorded = leaving.get(deviceId);
      if (recorded !== undefined) recorded.isForgotten = true;
      buffered.delete(deviceId);
      leaving.delete(deviceId);
    },
    record: (row, gapS) => {
      if (buffered.size >= flushAt * 4 && !buffered.has(row.deviceId)) {
        if (!overflowing)
          onFault(
            'check_ins',
            new Fault(
              'check_ins_dropped',
              'check-ins arrive faster than the disk can write them: some are lost',
              {
                retry: 'backoff',
              },
            ),
          );
        overflowing = true;
        return;
      }
      buffered.set(row.deviceId, { row, gapS, isForgotten: false });
      if (buffered.size === flushAt) flush().catch(fault => onFault('check_ins', fault));
    },
  };
}

async function writeRows(trx: Knex, rows: readonly Recorded[]): Promise<void> {
  const cells = rows.map(({ row, gapS }): Cell[] => [
    row.deviceId,
    row.atMs,
    row.versionCode,
    row.buildId ?? null,
    row.sdk ?? null,
    row.signer ?? null,
    gapS ?? null,
  ]);
  // Rendered once for both statements.
  const input = rowsIn(trx, COLUMNS, cells);
  // The device may have checked in at another controller while its row waited here.
  const newest = isPostgres(trx) ? ' where check_ins.at_ms <= excluded.at_ms' : '';
  // Rows of devices that were erased meanwhile are dropped. Each device is looked up by itself: a join may read the
  // whole fleet.
  await trx.raw(
    `insert into check_ins (device_id, at_ms, version_code, build_id, sdk, signer, gap_s)
     select input.device_id, input.at_ms, input.version_code, input.build_id, input.sdk, input.signer, input.gap_s
     from ${input.sql} as input
     where (select 1 from devices as d where d.device_id = input.device_id) = 1
     on conflict (device_id) do update set
       at_ms = excluded.at_ms, version_code = excluded.version_code, build_id = excluded.build_id,
       sdk = excluded.sdk, signer = excluded.signer, gap_s = excluded.gap_s${newest}`,
    input.bindings,
  );
  await confirmAttempts(trx, input);
}

/** A later check in which the device reports this build as running confirms its `ok`. */
async function confirmAttempts(trx: Knex, input: Rows): Promise<void> {
  await trx.raw(
    `update attempts set confirmed_at_ms = seen.at_ms
     from (
       select a.id as id, input.at_ms as at_ms
       from ${input.sql} as input
       join attempts as a on a.device_id = input.device_id and a.outcome = 'ok' and a.confirmed_at_ms is null
       left join builds as b on b.build_id = a.build_id
       where input.at_ms >= a.at_ms
         and input.version_code = coalesce(b.version_code, a.version_code)
         and (input.build_id is null or input.build_id = a.build_id)
     ) as seen
     where attempts.id = seen.id`,
    input.bindings,
  );
}
