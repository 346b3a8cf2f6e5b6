/**
 * Devices in the field are not updated with the controller: the agent and the conformance kit of 0.1, as they were, against
 * what the controller does since.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { poll } from '../support/agent/agent-process.ts';
import { withFormerAgent } from '../support/agent/former-agent.ts';
import { type DeviceOfJourney, deviceWithin, withDevice } from '../support/agent/journey.ts';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';

const DAY_MS = 86_400_000;

/** A controller, and a way to put a device of 0.1 before it. */
const withBoth = (
  use: (
    journey: Journey,
    device: (
      deviceId: string,
      args: readonly string[],
      run: (device: DeviceOfJourney) => Promise<void>,
    ) => Promise<void>,
  ) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> =>
  withFormerAgent(program =>
    withController(
      journey => use(journey, (deviceId, args, run) => withDevice(journey, deviceId, args, run, program)),
      { settings },
    ),
  );

const explained = async (journey: Journey, deviceId: string) =>
  (await journey.admin('GET', `/v1/devices/${deviceId}/explain`)).json;

test('it polls, downloads, installs and reports, and an Ota-Token header that it does not know harms nothing', () =>
  withBoth(
    async (journey, device) => {
      await journey.merge(100);
      await device('kiosk-7', [], async ({ agent, token }) => {
        await agent.until('ota.report');
        await journey.pass(2 * DAY_MS);
        const asked = await call(journey.url, 'GET', '/v1/agent/update?version_code=42&build_id=b42', {
          token,
        });
        assert.equal([asked.status, asked.headers['ota-token']], [204, 'renew']);
        agent.tell({ poll: true });
        await agent.until('ota.hold');
        const { reports, device: seen, decision } = await explained(journey, 'kiosk-7');
        assert.equal(
          reports.map((r: { outcome: string; reason: string }) => `${r.outcome} ${r.reason}`),
          ['ok installed'],
        );
        assert.equal(
          [seen.generation, decision.reason],
          [1, 'up_to_date'],
          'it renewed nothing and runs b42',
        );
        const { results } = (await journey.admin('GET', '/v1/rollout')).json.progress;
        assert.equal([results.ok, results.fail], [1, 0]);
        assert.not.ok(journey.log.some(line => line.event === 'ota.auth.fail'));
      });
    },
    { OTA_TOKEN_RENEW_AFTER: '1d', OTA_TOKEN_RENEWALS_PER_MINUTE: '1000' },
  ));

test('its reasons for waiting and failing never contradict its outcome', () =>
  withBoth(async (journey, device) => {
    await journey.merge(100);
    const said = (deviceId: string, args: readonly string[], before: unknown[] = []) =>
      device(deviceId, args, async ({ agent }) => {
        for (const command of before) agent.tell(command);
        await poll(`the report of ${deviceId}`, async () => {
          const { reports } = await explained(journey, deviceId);
          return reports.length > 0;
        });
      });
    await said('no-wifi', ['--no-wifi']);
    await said('low', ['--battery', '10']);
    await said('calling', ['--in-call']);
    await said(
      'sixth',
      ['--no-wifi'],
      [
        { fail_install: 'INSTALL_FAILED_INSUFFICIENT_STORAGE' },
        { conditions: { unmetered_wifi: true, battery_percent: 80, charging: null, in_call: false } },
      ],
    );
    const outcomes = new Set<string>();
    for (const id of ['no-wifi', 'low', 'calling', 'sixth'])
      for (const { outcome, reason } of (await explained(journey, id)).reports)
        outcomes.add(`${outcome} ${reason}`);
    assert.ok(
      outcomes.has('deferred wifi') && outcomes.has('deferred battery') && outcomes.has('deferred call'),
    );
    assert.not.ok(
      [...outcomes].some(outcome => outcome.startsWith('contradictory')),
      [...outcomes].join(),
    );
  }));

test('under the brake it is offered nothing, and installs once that is lifted', () =>
  withBoth(async (journey, device) => {
    await journey.merge(100);
    const brake = await journey.admin('POST', '/v1/brake', { json: { reason: 'reports of crashes' } });
    assert.is(brake.status, 200);
    await device('kiosk-7', [], async ({ agent }) => {
      await agent.until('ota.hold');
      assert.not.ok(agent.lines.some(line => line.event === 'ota.download.start'));
      const resumed = await journey.admin('POST', '/v1/resume', { json: { reason: 'a false alarm' } });
      assert.is(resumed.status, 200);
      agent.tell({ poll: true });
      await agent.until('ota.install.ok');
    });
  }));

test('a ramp with a gate, a rollback and a nudge are offers and holds like any other', () =>
  withBoth(async (journey, device) => {
    const gate = {
      installFailRatioMax: 0.02,
      verifyFailMax: 1,
      silenceMax: 0.02,
      silenceAfterMs: 64_800_000,
    };
    const ramp = {
      startMs: Date.now() - 3_600_000,
      steps: [
        { percent: 10, holdMs: 72_000_000 },
        { percent: 100, holdMs: undefined },
      ],
      gate: { ...gate, minReports: 50, maxWaitMs: 48 * 3_600_000, noData: 'hold', onBreach: 'halt' },
    } as const;
    await journey.merge({ exposure: { kind: 'ramp', ramp } });
    await journey.pass(60_000);
    await device(deviceWithin(10, true), [], async ({ agent }) => {
      await agent.until('ota.install.ok');
    });
    await device(deviceWithin(10, false), [], async ({ agent, nudge }) => {
      await agent.until('ota.ineligible.cohort');
      await journey.merge({ rollback: true });
      agent.tell({ nudge: nudge('b42') });
      await poll(
        'a check after the nudge',
        () => agent.lines.filter(l => l.event === 'ota.hold').length >= 2,
      );
      assert.not.ok(agent.lines.some(line => line.event === 'ota.download.start'));
    });
  }));

test('a whole APK a day is enough for it, and it is sent the bytes, never a redirect', () =>
  withBoth(
    async (journey, device) => {
      await journey.merge(100);
      await device('kiosk-7', [], async ({ agent }) => {
        await agent.until('ota.report');
        const { downloads } = await explained(journey, 'kiosk-7');
        assert.equal(
          downloads.map((d: { status: number; result: string }) => [d.status, d.result]),
          [[200, 'ok']],
        );
      });
    },
    { OTA_DOWNLOADS_PER_DAY: '1' },
  ));

test('the kit of 0.1 finds nothing wrong with the controller of today', () =>
  withBoth(async (journey, _device) => {
    await journey.merge(100);
    const [enrolled] = await journey.enrol(['conform-1']);
    await withFormerAgent(async program => {
      const args = [...program, 'conform', '--url', journey.url, '--with-reports', '--json'];
      const child = spawn(process.execPath, args, {
        env: { PATH: process.env.PATH, OTA_AGENT_TOKEN: enrolled?.token ?? '' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
      const { checks } = JSON.parse(out) as { checks: { name: string; result: string; detail?: string }[] };
      assert.equal(
        checks.filter(check => check.result !== 'ok'),
        [],
      );
      assert.is(checks.length, 30);
    });
  }));

test.run();
