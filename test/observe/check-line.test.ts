import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOLD_REASONS } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import { makeObserver } from '../../controller/observe/observe.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);

function linesOf(events: readonly Event[], options: { level?: string; wallMs?: () => number } = {}) {
  const lines: string[] = [];
  const observer = makeObserver({
    level: options.level ?? 'info',
    destination: { write: line => void lines.push(line) },
    wallMs: options.wallMs ?? (() => NOW_MS),
  });
  for (const event of events) observer.observe(event);
  return lines;
}

const seen = { revision: 'f'.repeat(40), deviceId: 'kiosk-7.a:b_c' } as const;
const offer = (over: { requestId?: string; revision?: string } = {}): Event => ({
  type: 'ota.manifest.200',
  ...seen,
  requestId: undefined,
  buildId: 'b42',
  eligibleBy: 'rollout',
  versionCode: 41,
  repeated: false,
  ...over,
});

test('the line of an offer says who, what and why, in one JSON object on one line', () => {
  assert.equal(linesOf([offer({ requestId: 'request-42' }), offer()]), [
    `{"level":"info","time":"2026-06-01T12:00:00.000Z","event":"ota.manifest.200","revision":"${seen.revision}","device_id":"kiosk-7.a:b_c","request_id":"request-42","build_id":"b42","eligible_by":"rollout","version_code":41,"repeated":false}\n`,
    `{"level":"info","time":"2026-06-01T12:00:00.000Z","event":"ota.manifest.200","revision":"${seen.revision}","device_id":"kiosk-7.a:b_c","build_id":"b42","eligible_by":"rollout","version_code":41,"repeated":false}\n`,
  ]);
});

test('the line of every hold parses and names its reason and status', () => {
  const events = HOLD_REASONS.flatMap(reason =>
    ([204, 304] as const).map(
      status =>
        ({
          type: 'ota.manifest.304',
          ...seen,
          requestId: 'request-42',
          reason,
          versionCode: 41,
          status,
        }) as const,
    ),
  );
  const lines = linesOf(events);
  assert.is(lines.length, events.length);
  for (const [i, event] of events.entries())
    assert.equal(JSON.parse(lines[i] ?? ''), {
      level: 'info',
      time: '2026-06-01T12:00:00.000Z',
      event: event.type,
      revision: event.revision,
      device_id: event.deviceId,
      request_id: event.requestId,
      reason: event.reason,
      version_code: 41,
      status: event.status,
    });
});

test('lines by hand and lines by the logger share one form and one clock', () => {
  const lines: string[] = [];
  let nowMs = NOW_MS;
  const { observe } = makeObserver({
    level: 'info',
    destination: { write: line => void lines.push(line) },
    wallMs: () => nowMs,
  });
  for (const event of [
    offer(),
    { type: 'ota.admin', actor: 'admin:ops', action: 'x', subject: 'y' } as const,
  ]) {
    observe(event);
    nowMs += 1;
  }
  const told = lines.map(line => JSON.parse(line) as Record<string, unknown>);
  assert.equal(
    told.map(line => line.time),
    ['2026-06-01T12:00:00.000Z', '2026-06-01T12:00:00.001Z'],
  );
  for (const line of told) assert.equal(Object.keys(line).slice(0, 3), ['level', 'time', 'event']);
});

test('an unusual revision is escaped, and each revision is logged as its own', () => {
  const revisions = ['a"b\n', 'a"b\n', 'c'];
  const told = linesOf(revisions.map(revision => offer({ revision }))).map(
    line => (JSON.parse(line) as { revision: string }).revision,
  );
  assert.equal(told, revisions);
});

test('a log level above info hides checks, which are still counted', async () => {
  const lines: string[] = [];
  const observer = makeObserver({ level: 'warn', destination: { write: line => void lines.push(line) } });
  observer.observe(offer());
  assert.equal(lines, []);
  assert.match((await observer.metrics()).body, /ota_checks_total\{decision="offer"\} 1/);
});

test.run();
