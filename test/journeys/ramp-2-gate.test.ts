/** A ramp that waits for health, and the brake: real devices' reports over HTTP, a real store, real Git. */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Gate } from '../../controller/domain/gate/gate.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { ota } from '../support/cli.ts';
import { type Enrolled, type Journey, withController } from '../support/controller.ts';
import { type Answer, call, eventually } from '../support/http.ts';
import { SECRET, withReceiver } from '../support/notify/receiver.ts';
import { aRamp, HOUR_MS as HOUR, NOW_MS } from '../support/state.ts';

const B41_FOR_ALL = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;

function gated(over: Partial<Gate> = {}, startMs?: number): Partial<Rollout> {
  const exposure = aRamp(startMs, [50, 24], [100]);
  if (exposure.kind !== 'ramp') throw new Error('a ramp');
  const gate = { ...DEFAULT_GATE, minReports: 5, ...over };
  return { exposure: { kind: 'ramp', ramp: { ...exposure.ramp, gate } } };
}

const check = (journey: Journey, { token }: Enrolled, versionCode = 41): Promise<Answer> =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}`, { token });
const offersOf = async (journey: Journey, devices: readonly Enrolled[]): Promise<string[]> => {
  const found: string[] = [];
  for (const device of devices) {
    const answer = await check(journey, device);
    if (answer.status === 200 && answer.json.build_id === 'b42') found.push(device.device_id);
  }
  return found;
};
const fetchApk = (journey: Journey, { token }: Enrolled): Promise<Answer> =>
  call(journey.url, 'GET', '/v1/agent/builds/b42/apk', { token });

async function report(
  journey: Journey,
  { token, device_id }: Enrolled,
  reason: string,
  requestId = `attempt-${device_id}`,
): Promise<void> {
  const outcome = reason === 'installed' ? 'ok' : 'fail';
  const answer = await call(journey.url, 'POST', '/v1/action-result', {
    token,
    json: {
      request_id: requestId,
      build_id: 'b42',
      outcome,
      reason,
      version_code: outcome === 'ok' ? 42 : 41,
    },
  });
  assert.ok(answer.status < 300, `${answer.status} ${answer.body.toString()}`);
}

interface AuditRow {
  readonly action: string;
  readonly detail: {
    readonly verdict?: string;
    readonly reasons: readonly string[];
    readonly figures?: unknown;
    readonly evidence: { readonly cohort: { readonly fail: number } };
  };
}

interface Stopped {
  readonly effective: number;
  readonly halts: string[];
  readonly verdict: string | null;
}
async function view(journey: Journey): Promise<Stopped> {
  const { json } = await journey.admin('GET', '/v1/rollout');
  return {
    effective: json.exposure.effective_percent,
    halts: json.exposure.halts.map((h: { kind: string }) => h.kind),
    verdict: json.exposure.ramp?.verdict ?? null,
  };
}
const look = (journey: Journey): Promise<void> => journey.controller.tick();
const IDS = Array.from({ length: 24 }, (_, n) => `kiosk-${n}`);

const withFleet = (
  rollout: Partial<Rollout>,
  use: (journey: Journey, exposed: Enrolled[], others: Enrolled[]) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> =>
  withController(
    async journey => {
      const devices = await journey.enrol(IDS);
      await journey.merge(B41_FOR_ALL);
      await journey.merge(rollout);
      const codes = journey.controller.reconcile.status().problems.filter(p => p.severity === 'error');
      assert.equal(codes, []);
      const ids = await offersOf(journey, devices);
      const exposed = devices.filter(d => ids.includes(d.device_id));
      await use(
        journey,
        exposed,
        devices.filter(d => !ids.includes(d.device_id)),
      );
    },
    { settings },
  );

test('two failures of two that took it halt the build for everybody, and the same evidence holds it', () =>
  withFleet(gated(), async (journey, exposed, others) => {
    const [first, second] = exposed;
    if (first === undefined || second === undefined) throw new Error('two exposed devices');
    await fetchApk(journey, first);
    await report(journey, first, 'install_failed');
    await look(journey);
    assert.equal((await view(journey)).halts, [], 'one device proves nothing');
    await fetchApk(journey, second);
    await report(journey, second, 'install_failed');
    await look(journey);
    assert.equal(await view(journey), { effective: 0, halts: ['gate'], verdict: 'halt' });
    assert.equal(await offersOf(journey, [...exposed, ...others]), []);
    const refused = await fetchApk(journey, exposed[2] ?? first);
    assert.equal([refused.status, refused.json.code], [410, 'build_not_offered']);
    assert.ok(journey.log.some(l => l.event === 'ota.halt' && l.kind === 'gate'));
    const { events } = (await journey.admin('GET', '/v1/events')).json as { events: AuditRow[] };
    const halt = events.find(e => e.action === 'halt');
    assert.equal([halt?.detail.reasons, halt?.detail.evidence.cohort.fail], [['install_failures'], 2]);
    // Each verdict is a row with the counts that it rests on, oldest first.
    const verdicts = events.filter(e => e.action === 'ramp.verdict').reverse();
    assert.ok(
      verdicts.every(({ detail }) => detail.figures !== undefined && detail.evidence.cohort.fail >= 0),
    );
    const last = verdicts.at(-1)?.detail;
    assert.equal([last?.verdict, last?.evidence.cohort.fail], ['halt', 2]);
    assert.ok(
      verdicts.length >= 2 && verdicts.every((e, n) => e.detail.verdict !== verdicts[n - 1]?.detail.verdict),
    );
    await journey.restart();
    assert.equal((await view(journey)).halts, ['gate'], 'it outlives a restart');
    // Neither another remark, nor an edit of the gate, nor a percent lifts it.
    for (const rollout of [
      { ...gated(), reason: 'a remark' },
      gated({ installFailRatioMax: 0.1 }),
      { exposure: { kind: 'percent', percent: 50 } as const },
    ]) {
      await journey.merge(rollout);
      assert.equal((await view(journey)).effective, 0);
    }
  }));

test('a plain percent shows what a gate with defaults would say, and never narrows by itself', () =>
  withFleet({ exposure: { kind: 'percent', percent: 50 } }, async (journey, exposed) => {
    const told = async () => (await journey.admin('GET', '/v1/rollout')).json.exposure;
    const [first, second, third] = exposed;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three devices');
    await fetchApk(journey, third);
    await look(journey);
    const before = await told();
    assert.equal([before.advice.verdict, before.advice.against], ['hold', []]);
    for (const device of [first, second]) {
      await fetchApk(journey, device);
      await report(journey, device, 'install_failed');
    }
    await look(journey);
    assert.is((await told()).advice.verdict, 'hold', 'it is counted each ten minutes');
    await journey.pass(11 * 60_000);
    const { advice, effective_percent, halts } = await told();
    assert.equal([effective_percent, halts], [50, []]);
    assert.equal([advice.verdict, advice.fail, advice.taken], ['halt', 2, 3]);
    assert.equal(advice.against, ['install_failures']);
    assert.equal((await offersOf(journey, exposed)).length, exposed.length, 'everybody is still offered it');
    assert.ok(journey.log.some(l => l.event === 'ota.gate.advice' && l.verdict === 'halt'));
    const { events } = (await journey.admin('GET', '/v1/events')).json;
    const row = events.find((e: { action: string }) => e.action === 'gate.advice');
    assert.equal([row?.detail.verdict, row?.detail.evidence.cohort.fail], ['halt', 2]);
    const status = await ota(['status'], { url: journey.url, token: journey.adminToken });
    assert.match(
      status.out,
      /gate +none; with default limits it would halt this build \(install_failures; 2 of 3/,
    );
    await journey.merge({ exposure: { kind: 'percent', percent: 0 } });
    await journey.pass(11 * 60_000);
    assert.is((await told()).advice, null);
  }));
test('a halt by the gate is promised to people in its own transaction, and tells counts of no device', () =>
  withReceiver(
    'generic',
    receiver =>
      withFleet(
        gated(),
        async (journey, [first, second]) => {
          if (first === undefined || second === undefined) throw new Error('two exposed devices');
          for (const device of [first, second]) {
            await fetchApk(journey, device);
            await report(journey, device, 'install_failed');
          }
          await look(journey);
          await journey.controller.outbox.drain();
          const halted = receiver.received.filter(d => d.json.type === 'rollout.halted');
          assert.equal(
            halted.map(d => [d.json.data.build_id, d.json.data.by, d.json.data.reason]),
            [['b42', 'gate', 'install_failures']],
          );
          assert.not.match(halted[0]?.body ?? '', /kiosk/);
          assert.equal(receiver.violations, []);
        },
        {
          OTA_NOTIFY: JSON.stringify({
            destinations: [
              { name: 'log', service: 'generic', url: receiver.url, secret: SECRET, kinds: ['halted'] },
            ],
          }),
        },
      ),
    { plain: true, secret: SECRET },
  ));

test('a device that was never served the build halts nothing, however often it reports', () =>
  withFleet(gated(), async (journey, exposed, others) => {
    const [stranger] = others;
    const [device] = exposed;
    if (stranger === undefined || device === undefined) throw new Error('devices');
    for (let n = 0; n < 10; n += 1) await report(journey, stranger, 'install_failed', `strange-${n}`);
    await fetchApk(journey, device);
    for (let n = 0; n < 10; n += 1) await report(journey, device, 'install_failed', `repeated-${n}`);
    await look(journey);
    assert.equal((await view(journey)).halts, []);
  }));

test('a device took the build with its last byte: the same half twice is no take, a resume to the end is', () =>
  withFleet(gated(), async (journey, exposed) => {
    const [device] = exposed;
    if (device === undefined) throw new Error('a device');
    const { sizeBytes } = journey.builds.b42.build;
    const half = Math.ceil(sizeBytes / 2);
    const fetchPart = async (range: string): Promise<number> => {
      const { status } = await call(journey.url, 'GET', '/v1/agent/builds/b42/apk', {
        token: device.token,
        headers: { range: `bytes=${range}` },
      });
      return status;
    };
    const takes = async (): Promise<boolean> => {
      const takers = await journey.controller.store.halts.takers('b42', sizeBytes);
      return takers.some(t => t.takenAtMs !== undefined);
    };
    assert.equal([await fetchPart(`0-${half - 1}`), await fetchPart(`0-${half - 1}`)], [206, 206]);
    assert.is(await takes(), false);
    assert.is(await fetchPart(`${half}-`), 206);
    await eventually(takes);
    assert.is(await takes(), true);
  }));

test('a device that is deleted leaves its word: the second failure halts all the same', () =>
  withFleet(gated(), async (journey, exposed) => {
    const [first, second] = exposed;
    if (first === undefined || second === undefined) throw new Error('two exposed devices');
    await fetchApk(journey, first);
    await report(journey, first, 'install_failed');
    const gone = await journey.admin('DELETE', `/v1/devices/${first.device_id}`);
    assert.ok(gone.status < 300, gone.body.toString());
    await fetchApk(journey, second);
    await report(journey, second, 'install_failed');
    await look(journey);
    assert.equal((await view(journey)).halts, ['gate']);
  }));

test('one device whose bytes are wrong holds; when our own APK is the wrong one, it halts at once', () =>
  withFleet(gated(), async (journey, exposed) => {
    const [first, second] = exposed;
    if (first === undefined || second === undefined) throw new Error('two exposed devices');
    await fetchApk(journey, first);
    await report(journey, first, 'sha256_mismatch');
    await look(journey);
    assert.equal((await view(journey)).halts, []);
    assert.is((await view(journey)).verdict, 'hold');
    const { sha256, sizeBytes } = journey.builds.b42.build;
    const stored = path.join(journey.folder, 'data', 'artifacts', `${sha256}.apk`);
    await chmod(stored, 0o600);
    await writeFile(stored, Buffer.alloc(sizeBytes, 7));
    await fetchApk(journey, second);
    await report(journey, second, 'sha256_mismatch');
    await look(journey);
    await look(journey);
    assert.equal((await view(journey)).halts, ['gate']);
    assert.ok(journey.log.some(l => l.event === 'ota.artifact.damaged'));
  }));

test('with enough devices that run it well the next step opens, not before', () =>
  withFleet(gated(), async (journey, exposed) => {
    await look(journey);
    for (const device of exposed) {
      await fetchApk(journey, device);
      await report(journey, device, 'installed');
      await check(journey, device, 42);
    }
    await journey.pass(25 * HOUR);
    assert.is((await view(journey)).verdict, 'hold', 'nobody was seen again');
    assert.is((await view(journey)).effective, 50);
    for (const device of exposed) await check(journey, device, 42);
    await journey.controller.store.devices.flush();
    await look(journey);
    await journey.pass(60_000);
    assert.is((await view(journey)).effective, 100);
  }));

test('ota resume lifts a gate’s halt with scope admin alone; the same evidence does not halt again', () =>
  withFleet(gated(), async (journey, exposed) => {
    for (const device of exposed.slice(0, 2)) {
      await fetchApk(journey, device);
      await report(journey, device, 'install_failed');
    }
    await look(journey);
    assert.equal((await view(journey)).halts, ['gate']);
    const made = await journey.admin('POST', '/v1/admin-tokens', {
      json: { name: 'on-call', scopes: ['brake'], expires_in_s: 3600 },
    });
    const onCall = (target: string) =>
      call(journey.controller.operatorUrl, 'POST', target, {
        token: made.json.token,
        json: { reason: 'two broken tablets' },
      });
    assert.is((await onCall('/v1/resume')).status, 403);
    const lifted = await journey.admin('POST', '/v1/resume', { json: { reason: 'two broken tablets' } });
    assert.is(lifted.json.lifted.length, 1);
    await look(journey);
    assert.equal(await view(journey).then(v => [v.effective, v.halts]), [50, []]);
    for (const device of exposed.slice(2, 6)) {
      await fetchApk(journey, device);
      await report(journey, device, 'install_failed');
    }
    await look(journey);
    assert.equal((await view(journey)).halts, ['gate'], 'more evidence does');
    assert.is((await journey.admin('POST', '/v1/resume', { json: {} })).status, 400);
  }));

test('a halt that Git declares ends with the commit that widens after it', () =>
  withFleet(gated(), async (journey, exposed) => {
    for (const device of exposed.slice(0, 2)) {
      await fetchApk(journey, device);
      await report(journey, device, 'install_failed');
    }
    await look(journey);
    await journey.merge({ exposure: { kind: 'percent', percent: 0 } });
    assert.equal((await view(journey)).halts, ['gate']);
    await journey.merge({ exposure: { kind: 'percent', percent: 50 } });
    assert.equal(await view(journey).then(v => [v.effective, v.halts]), [50, []]);
  }));

test('a hand brake stops everybody within the second, is audited, and ends by its own scope or by Git', () =>
  withFleet({ exposure: { kind: 'percent', percent: 100 } }, async (journey, exposed) => {
    const [device] = exposed;
    if (device === undefined) throw new Error('an exposed device');
    assert.is((await check(journey, device)).status, 200);
    const made = await journey.admin('POST', '/v1/admin-tokens', {
      json: { name: 'on-call', scopes: ['brake'], expires_in_s: 3600 },
    });
    const onCall = (target: string, reason: string) =>
      call(journey.controller.operatorUrl, 'POST', target, { token: made.json.token, json: { reason } });
    assert.is((await onCall('/v1/resume', 'why not')).status, 409);
    const pressed = await onCall('/v1/brake', 'reboots in the lobby');
    assert.equal([pressed.status, pressed.json.pressed, pressed.json.halt.kind], [200, true, 'hand']);
    assert.is((await check(journey, device)).headers['ota-decision'], 'outside_cohort');
    assert.equal(
      [(await fetchApk(journey, device)).status, (await onCall('/v1/brake', 'x')).json.pressed],
      [410, false],
    );
    await journey.merge({ exposure: { kind: 'percent', percent: 50 }, reason: 'not narrow enough' });
    assert.equal((await view(journey)).halts, ['hand']);
    assert.is((await onCall('/v1/resume', 'a false alarm')).status, 200);
    assert.is((await view(journey)).effective, 50);
    await onCall('/v1/brake', 'again');
    await journey.merge({ rollback: true });
    assert.equal((await view(journey)).halts, [], 'Git says as much');
    const { events } = (await journey.admin('GET', '/v1/events')).json as {
      events: { action: string; actor: string }[];
    };
    for (const action of ['brake', 'resume'])
      assert.ok(
        events.some(e => e.action === action && e.actor === 'admin:on-call'),
        action,
      );
  }));

test('a running download is cut when the brake is pressed', () =>
  withController(
    async journey => {
      const [device] = await journey.enrol(['kiosk-1']);
      await journey.merge(100);
      if (device === undefined) throw new Error('a device');
      const response = await fetch(`${journey.url}/v1/agent/builds/b42/apk`, {
        headers: { authorization: `Bearer ${device.token}` },
      });
      const reader = response.body?.getReader();
      await reader?.read();
      const sinceMs = performance.now();
      await journey.admin('POST', '/v1/brake', { json: { reason: 'stop' } });
      const cut = await (async () => {
        for (;;) {
          const piece = await reader?.read();
          if (piece === undefined || piece.done) return 'whole';
        }
      })().catch(() => 'cut');
      assert.is(cut, 'cut');
      assert.ok(performance.now() - sinceMs < 5_000);
    },
    { apkBytes: 60_000_000, settings: { OTA_DOWNLOAD_BUDGET_MBPS: '1000' } },
  ));

test('on_breach: rollback serves last_safe to all', () =>
  withFleet(gated({ onBreach: 'rollback' }), async (journey, exposed, others) => {
    for (const device of exposed.slice(0, 2)) {
      await fetchApk(journey, device);
      await report(journey, device, 'install_failed');
    }
    await look(journey);
    const [fresh] = others;
    if (fresh === undefined) throw new Error('a device');
    const answer = await check(journey, fresh, 0);
    assert.equal([answer.json.build_id, answer.json.eligible_by], ['b41', 'rollback']);
  }));

test('canaries that fail before the start halt the build before anybody else is offered it', () =>
  withFleet(
    { ...gated({}, NOW_MS + 400 * 24 * HOUR), canary: { tags: [], devices: IDS.slice(0, 4), cohorts: [] } },
    async (journey, canaries) => {
      assert.is(canaries.length, 4);
      for (const device of canaries) {
        await fetchApk(journey, device);
        await report(journey, device, 'install_failed');
      }
      await look(journey);
      assert.equal(await view(journey), { effective: 0, halts: ['gate'], verdict: 'halt' });
      assert.equal(await offersOf(journey, canaries), []);
    },
  ));

test.run();
