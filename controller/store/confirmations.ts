/**
 * Confirms downloads that the object store served. Every check that is answered with an offer may be such a confirmation,
 * and most are none. One query runs at a time, and the checks that came meanwhile share the next. It must follow the check
 * soon: the check that begins an attempt comes before its download, and confirms nothing.
 */
import type { Db } from './db.ts';
import { rowsIn, rowsOf } from './dialect.ts';
import { type Confirmed, insertConfirmation, REDIRECTED } from './downloads.ts';

export interface Confirmations {
  note(attempt: Confirmed): void;
  /** After a failure nothing is noted until this is called, so that an outage is not reported for each check. */
  resume(): void;
  /** Resolves once everything noted is committed or has failed. */
  settled(): Promise<void>;
}

/** More than this are not noted; the device's final report also says that it took the build. */
const MOST_WAITING = 20_000;
const A_QUERY = 1_000;

export function makeConfirmations(
  db: Pick<Db, 'read' | 'write'>,
  onFault: (fault: unknown) => void,
): Confirmations {
  const waiting: Confirmed[] = [];
  let isPaused = false;
  let running: Promise<void> | undefined;

  async function confirm(attempts: readonly Confirmed[]): Promise<void> {
    const redirected = await unconfirmedOf(db, attempts);
    if (redirected.length === 0) return;
    await db.write(async trx => {
      for (const attempt of redirected) await insertConfirmation(trx, attempt);
    });
  }

  async function confirmAll(): Promise<void> {
    try {
      while (waiting.length > 0) await confirm(waiting.splice(0, A_QUERY));
    } catch (fault) {
      waiting.length = 0;
      isPaused = true;
      onFault(fault);
    }
    // In the same tick as the last look at what waits: a later note must find that nobody confirms it.
    running = undefined;
  }

  return {
    note: attempt => {
      if (isPaused || waiting.length >= MOST_WAITING) return;
      waiting.push(attempt);
      running ??= Promise.resolve().then(confirmAll);
    },
    resume: () => {
      isPaused = false;
    },
    settled: async () => running,
  };
}

/** Those that were redirected and are not confirmed yet. */
async function unconfirmedOf(db: Pick<Db, 'read'>, attempts: readonly Confirmed[]): Promise<Confirmed[]> {
  const found = await db.read(reader => {
    const input = rowsIn(
      reader,
      ['place', 'device_id', 'build_id', 'request_id'],
      attempts.map(({ deviceId, buildId, requestId }, place) => [`${place}`, deviceId, buildId, requestId]),
    );
    // Each is looked up by itself: a join may read the whole table.
    return rowsOf<{ place: string }>(
      reader.raw(
        `select input.place from ${input.sql} as input
         where (
           select max(case when e.last_byte then 1 else 0 end) from apk_download_events as e
           where e.device_id = input.device_id and e.build_id = input.build_id
             and e.request_id = input.request_id and e.status = ${REDIRECTED}
         ) = 0`,
        input.bindings,
      ),
    );
  });
  return found.flatMap(({ place }) => attempts[Number(place)] ?? []);
}
