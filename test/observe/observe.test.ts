import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { makeObserver, type Observer } from '../../controller/observe/observe.ts';
import { prettyLines } from '../../controller/observe/pretty.ts';

type Line = Record<string, unknown>;

function observed(...events: Event[]): { observer: Observer; lines: Line[] } {
  const lines: Line[] = [];
  const observer = makeObserver({
    level: 'debug',
    destination: { write: line => void lines.push(JSON.parse(line) as Line) },
  });
  for (const event of events) observer.observe(event);
  return { observer, lines };
}

const OFFER: Event = {
  type: 'ota.manifest.200',
  revision: 'r1',
  deviceId: 'd-1',
  requestId: 'req-1',
  buildId: 'b42',
  eligibleBy: 'rollout',
  versionCode: 41,
  repeated: false,
};
const result = (outcome: 'ok' | 'fail', reason: string, repeated = false, first = !repeated): Event => ({
  type: 'ota.result',
  deviceId: 'd-1',
  requestId: 'req-1',
  buildId: 'b42',
  outcome,
  reason,
  versionCode: 42,
  repeated,
  first,
});

async function value(observer: Observer, name: string): Promise<number> {
  const line = (await observer.metrics()).body.split('\n').find(l => l.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
}

test('an event is one JSON line with its dotted name and fields in wire spelling', () => {
  const { lines } = observed(OFFER);
  assert.is(lines.length, 1);
  const { level, time, ...rest } = lines[0] ?? {};
  assert.is(level, 'info');
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.equal(rest, {
    event: 'ota.manifest.200',
    revision: 'r1',
    device_id: 'd-1',
    request_id: 'req-1',
    build_id: 'b42',
    eligible_by: 'rollout',
    version_code: 41,
    repeated: false,
  });
});

test('a hostile text in an event stays one line of JSON', () => {
  const nasty = 'a"}\n{"event":"ota.promote"}\u2028\u0000';
  // Ids have forms that were checked where they came in; a revision and a message are whatever they are.
  const { lines } = observed(
    { ...OFFER, revision: nasty },
    { type: 'ota.http.fail', method: 'GET', route: '/x', code: 'internal', message: nasty },
  );
  assert.is(lines.length, 2);
  assert.is(lines[0]?.revision, nasty);
  assert.is(lines[1]?.message, nasty);
});

test('durations are logged to a tenth of a millisecond', () => {
  const { lines } = observed({ type: 'ota.reconcile.unchanged', revision: 'r1', ms: 92.94817699999999 });
  assert.is(lines[0]?.ms, 92.9);
});

test('checks, installs and failed verifications are counted, a repeated report only logged', async () => {
  const { observer, lines } = observed(
    OFFER,
    OFFER,
    {
      type: 'ota.manifest.304',
      revision: 'r1',
      deviceId: 'd-2',
      requestId: undefined,
      reason: 'up_to_date',
      versionCode: 42,
      status: 304,
    },
    result('ok', 'installed'),
    result('ok', 'installed', true),
    result('fail', 'sha256_mismatch'),
    result('fail', 'storage', false, false),
    { type: 'ota.install.repeated', deviceId: 'd-1', buildId: 'b42', installs: 3, withinMs: 9 },
  );
  assert.is(await value(observer, 'ota_checks_total{decision="offer"}'), 2);
  assert.is(await value(observer, 'ota_checks_total{decision="up_to_date"}'), 1);
  assert.is(await value(observer, 'ota_installs_total{outcome="ok"}'), 1);
  assert.is(await value(observer, 'ota_installs_total{outcome="fail"}'), 2);
  assert.is(await value(observer, 'ota_install_devices_total{outcome="ok"}'), 1);
  assert.is(await value(observer, 'ota_install_devices_total{outcome="fail"}'), 1, 'one device, tried twice');
  assert.is(await value(observer, 'ota_repeated_installs_total'), 1);
  assert.is(await value(observer, 'ota_verify_fail_total'), 1);
  assert.is(lines.filter(l => l.event === 'ota.result').length, 4);
});

test('gauges are read at the scrape, and a build that is gone leaves no stale series', async () => {
  const { observer } = observed();
  let adoption = new Map([['b41', 0.25]]);
  observer.attach({
    sourceAgeSeconds: () => 3,
    exposure: () => ({ declared: 10, effective: 0 }),
    adoption: () => adoption,
    rollout: () => ({
      buildId: 'b42',
      devices: { exposed: 9, seen: 7, offered: 6, running: 4, waiting: 2, held: 0, staying: 1 },
    }),
    otherAdoption: () => 0.125,
    revisionRefused: () => true,
    adminExpiresAtMs: async () => 1_700_000_000_000,
    clockHeld: () => true,
    leads: () => true,
    database: () => ({ reachable: false, ageMs: 90_000, stale: false }),
    deviceTokens: () => new Map([['k1', 5]]),
    tlsExpiresAtMs: () => 1_800_000_000_000,
    version: '9.8.7',
    revision: () => 'abc',
    fleet: () => ({ enrolled: 12, active: 10, running: new Map([['b41', 4]]) }),
    outbox: async () => [{ topic: 'nudge', rows: 2, oldestMs: 4_000 }],
    campaigns: async () => [
      { buildId: 'b42', sent: 30, ageMs: 4_000 },
      { buildId: 'b42', sent: 12, ageMs: 9_000 },
    ],
    gate: () => ({
      buildId: 'b42',
      verdict: 'hold',
      devices: { taken: 8, judged: 5, failed: 1, verify_failed: 0, followed: 3, silent: 2, needed: 6 },
    }),
    halts: () => [{ buildId: 'b42', by: 'hand' }],
  });
  assert.is(await value(observer, `ota_build_info{version="9.8.7",node="${process.version}"}`), 1);
  assert.is(await value(observer, 'ota_revision_info{revision="abc"}'), 1);
  assert.is(await value(observer, 'ota_devices{state="enrolled"}'), 12);
  assert.is(await value(observer, 'ota_devices{state="active"}'), 10);
  assert.is(await value(observer, 'ota_devices_running{build_id="b41"}'), 4);
  assert.is(await value(observer, 'ota_outbox_rows{topic="nudge"}'), 2);
  assert.is(await value(observer, 'ota_outbox_oldest_seconds{topic="nudge"}'), 4);
  assert.is(await value(observer, 'ota_campaign_nudges{build_id="b42"}'), 42);
  assert.is(await value(observer, 'ota_campaign_age_seconds{build_id="b42"}'), 9);
  assert.is(await value(observer, 'ota_gate_verdict{build_id="b42",verdict="hold"}'), 1);
  assert.is(await value(observer, 'ota_gate_verdict{build_id="b42",verdict="advance"}'), 0);
  assert.is(await value(observer, 'ota_gate_devices{build_id="b42",class="judged"}'), 5);
  assert.is(await value(observer, 'ota_halted{build_id="b42",by="hand"}'), 1);
  assert.is(await value(observer, 'ota_adoption_ratio{build_id="b41"}'), 0.25);
  assert.is(await value(observer, 'ota_exposure_ratio{kind="declared"}'), 0.1);
  assert.is(await value(observer, 'ota_exposure_ratio{kind="effective"}'), 0);
  assert.is(await value(observer, 'ota_source_age_seconds'), 3);
  assert.is(await value(observer, 'ota_rollout_devices{build_id="b42",state="exposed"}'), 9);
  assert.is(await value(observer, 'ota_rollout_devices{build_id="b42",state="held"}'), 0);
  assert.is(await value(observer, 'ota_adoption_other_ratio'), 0.125);
  assert.is(await value(observer, 'ota_revision_refused'), 1);
  assert.is(await value(observer, 'ota_admin_token_expiry_seconds{scope="admin"}'), 1_700_000_000);
  assert.is(await value(observer, 'ota_clock_held'), 1);
  assert.is(await value(observer, 'ota_leads'), 1);
  assert.is(await value(observer, 'ota_database_up'), 0);
  assert.is(await value(observer, 'ota_database_age_seconds'), 90);
  assert.is(await value(observer, 'ota_device_tokens{kid="k1"}'), 5);
  assert.is(await value(observer, 'ota_tls_certificate_expiry_seconds{use="server"}'), 1_800_000_000);
  adoption = new Map([['b42', 1]]);
  const { body } = await observer.metrics();
  assert.match(body, 'ota_adoption_ratio{build_id="b42"} 1');
  assert.not.match(body, 'ota_adoption_ratio{build_id="b41"}');
});

test('every metric that SPEC §10 names exists from the first scrape', async () => {
  const { observer } = observed();
  const { body, contentType } = await observer.metrics();
  assert.match(contentType, /^text\/plain/);
  for (const name of [
    'ota_checks_total',
    'ota_downloads_total',
    'ota_installs_total',
    'ota_verify_fail_total',
    'ota_adoption_ratio',
    'ota_exposure_ratio',
    'ota_source_age_seconds',
    'ota_nudges_total',
    'ota_http_request_seconds',
    'ota_reconcile_seconds',
  ])
    assert.match(body, `# TYPE ${name} `);
  // An alert on an increase sees the first event only when the series was 0 before.
  for (const series of [
    'ota_checks_total{decision="offer"}',
    'ota_checks_total{decision="artifact_missing"}',
    'ota_downloads_total{result="fail"}',
    'ota_installs_total{outcome="fail"}',
    'ota_verify_fail_total',
    'ota_rollout_changes_total{kind="rollback"}',
    'ota_reconciles_total{result="rejected"}',
    'ota_nudges_total{result="gave_up"}',
  ])
    assert.match(body, `${series} 0\n`);
});

test('on a terminal a line is a sentence: when, how bad, what, and the rest behind it', async () => {
  const lines: string[] = [];
  const observer = makeObserver({
    level: 'info',
    destination: { write: line => void lines.push(line) },
    pretty: await prettyLines(false),
    wallMs: () => Date.UTC(2026, 10, 26, 8, 5, 9),
  });
  observer.observe(OFFER);
  // What comes from outside cannot colour or move what the terminal shows.
  observer.observe({ type: 'ota.stop', reason: 'a\u001b[31mb\nc' });
  assert.match(lines[0] ?? '', /^\[08:05:09\] INFO: ota\.manifest\.200 \{.*"device_id":"d-1".*\}\n$/);
  assert.is(lines[1], '[08:05:09] INFO: ota.stop {"reason":"a\\u001b[31mb\\nc"}\n');
});

test.run();
