/**
 * Log lines of the hot route, written by hand: a general serialiser, and a buffer that counts each line's bytes, cost
 * more than the decision itself. Members and their order are the same as in all other log lines.
 */
import type { Event } from '../domain/event.ts';

export type CheckEvent = Extract<Event, { type: 'ota.manifest.200' | 'ota.manifest.304' }>;

/** `,"time":"…"` in ISO 8601, rendered once a millisecond. */
export function makeLineTime(wallMs: () => number): () => string {
  let ofMs = Number.NaN;
  let text = '';
  return () => {
    const nowMs = wallMs();
    if (nowMs !== ofMs) {
      ofMs = nowMs;
      text = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return text;
  };
}

/**
 * The whole line. Ids, versions and reasons were validated on entry and need no escaping in JSON. A revision may be any
 * text, so it is encoded as JSON, once for each new revision.
 */
export function makeCheckLine(lineTime: () => string): (level: string, event: CheckEvent) => string {
  let revision = '';
  let revisionText = '""';
  return (level, event) => {
    if (event.revision !== revision) {
      revision = event.revision;
      revisionText = JSON.stringify(revision);
    }
    const id = event.requestId === undefined ? '' : `"request_id":"${event.requestId}",`;
    const told =
      event.type === 'ota.manifest.200'
        ? `"build_id":"${event.buildId}","eligible_by":"${event.eligibleBy}","version_code":${event.versionCode},"repeated":${event.repeated}`
        : `"reason":"${event.reason}","version_code":${event.versionCode},"status":${event.status}`;
    return `{"level":"${level}"${lineTime()},"event":"${event.type}","revision":${revisionText},"device_id":"${event.deviceId}",${id}${told}}\n`;
  };
}
