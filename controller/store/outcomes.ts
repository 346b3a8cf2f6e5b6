/** Outcomes and downloads: committed before the request is answered (SPEC §10). */
import type { OutcomeStore } from '../ports/index.ts';
import { countEndings, repeatedInstalls, reportsOf, writeReport } from './attempts.ts';
import type { Confirmations } from './confirmations.ts';
import type { Db } from './db.ts';
import { downloadStats, downloadsOf, insertDownload, sentSince } from './downloads.ts';
import { countOutcomes } from './outcome-counts.ts';
import { prune } from './retention.ts';
import { troublesOf } from './troubles.ts';

/** `led`: writes that only the leader may do; it alone deletes old rows. */
export function makeOutcomeStore(
  db: Db,
  led: Db,
  confirmations: Pick<Confirmations, 'note'>,
  nowMs: () => number,
): OutcomeStore {
  return {
    report: (report, outbox = []) => db.write(trx => writeReport(trx, report, outbox, nowMs())),
    counts: (buildId, sinceMs) => db.read(reader => countOutcomes(reader, buildId, sinceMs)),
    endings: (buildId, sinceMs) => db.read(reader => countEndings(reader, buildId, sinceMs)),
    repeatedInstalls: (deviceId, sinceMs) => db.read(reader => repeatedInstalls(reader, deviceId, sinceMs)),
    troubles: build => db.read(reader => troublesOf(reader, build)),
    confirmDownload: confirmations.note,
    recordDownload: event => db.write(trx => insertDownload(trx, event)),
    sentSince: (deviceId, buildId, sinceMs, maxBytes) =>
      db.read(reader => sentSince(reader, deviceId, buildId, sinceMs, maxBytes)),
    downloadStats: buildId => db.read(reader => downloadStats(reader, buildId)),
    history: (deviceId, limit) =>
      db.read(async reader => ({
        reports: await reportsOf(reader, deviceId, limit),
        downloads: await downloadsOf(reader, deviceId, limit),
      })),
    prune: (eventsMs, downloadsMs) => prune(led, { eventsMs, downloadsMs, nowMs: nowMs() }),
  };
}
