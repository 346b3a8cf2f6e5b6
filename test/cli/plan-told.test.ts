/** A plan beside a controller that can be asked: what has run so far is measured, what is likely is foretold. */
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { proposalBody } from '../../controller/github/proposals.ts';
import type { Proposal, Proposals } from '../../controller/ports/index.ts';
import { ota } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aRamp, aState, HOUR_MS } from '../support/state.ts';

const STEPS = [[10, 4], [50, 24], [100]] as const;
const full = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;

async function withRamp(use: (journey: Journey, write: typeof writeEdit) => Promise<void>): Promise<void> {
  await withController(async journey => {
    await journey.merge(full);
    await journey.merge({ exposure: aRamp(undefined, ...STEPS) });
    await journey.pass(5 * HOUR_MS);
    await use(journey, writeEdit);
  });
}

const writeEdit = (journey: Journey, rollout: Parameters<Journey['merge']>[0]): Promise<void> => {
  const builds = [journey.builds.b41.build, journey.builds.b42.build];
  return writeReleases(
    path.join(journey.repository.folder, 'releases'),
    releaseFiles(aState({ builds, rollout })),
  );
};

test('a running ramp is measured from where it stands, and from 0 where nobody can be asked', () =>
  withRamp(async (journey, write) => {
    await write(journey, 50);
    const cwd = journey.repository.folder;
    const online = { cwd, url: journey.url, token: journey.adminToken };
    const told = await ota(['plan', '--format', 'json'], online);
    assert.is(JSON.parse(told.out).exposure.from_percent, 50);
    assert.not.match(told.err, /ramp_progress_unknown/);
    assert.not.match((await ota(['validate', '--base', 'HEAD'], online)).out, /ramp_progress_unknown/);
    for (const [options, why] of [
      [{ cwd }, /OTA_ADMIN_TOKEN is not set/],
      [{ ...online, url: 'http://127.0.0.1:1' }, /cannot reach the controller/],
    ] as const) {
      const { out, err } = await ota(['plan', '--format', 'json'], options);
      assert.is(JSON.parse(out).exposure.from_percent, 0);
      assert.match(err, /ramp_progress_unknown/);
      assert.match(err, why);
      assert.match(err, /increases count from 0 %/);
      assert.match((await ota(['validate', '--base', 'HEAD'], options)).out, /ramp_progress_unknown/);
    }
    const offline = await ota(['plan', '--offline'], online);
    assert.match(offline.err, /ramp_progress_unknown.*--offline/s);
  }));

test('an edit of a running ramp goes on from its step; a halt stands in the plan', () =>
  withRamp(async (journey, write) => {
    await write(journey, { exposure: aRamp(undefined, ...STEPS), wifiOnly: false });
    const online = { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken };
    const { exposure } = JSON.parse((await ota(['plan', '--format', 'json'], online)).out);
    assert.equal([exposure.from_percent, exposure.to_percent], [50, 50]);
    assert.equal(
      exposure.steps.map((s: { state: string }) => s.state),
      ['past', 'now', 'next'],
    );
    const braked = await journey.admin('POST', '/v1/brake', { json: { reason: 'reboots' } });
    assert.is(braked.status, 200);
    const stopped = JSON.parse((await ota(['plan', '--format', 'json'], online)).out);
    assert.is(stopped.exposure.from_percent, 0);
    assert.ok(stopped.dangers.some((d: { kind: string }) => d.kind === 'halted'));
  }));

test('a controller with another rollout in force does not report on this ramp', () =>
  withRamp(async (journey, write) => {
    await journey.repository.commit(
      releaseFiles(
        aState({
          builds: [journey.builds.b41.build, journey.builds.b42.build],
          rollout: { exposure: aRamp(Date.now(), ...STEPS) },
        }),
      ),
    );
    await write(journey, 50);
    const online = { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken };
    const { out, err } = await ota(['plan', '--format', 'json'], online);
    assert.is(JSON.parse(out).exposure.from_percent, 0);
    assert.match(err, /ramp_progress_unknown.*the controller has another ramp in force/s);
  }));

test('the forecast is based on observed check-ins, and the plan says so if there are none', () =>
  withController(async journey => {
    const devices = await journey.enrol(Array.from({ length: 20 }, (_, n) => `kiosk-${n}`));
    await journey.merge(full);
    const check = async (): Promise<void> => {
      for (const { token } of devices)
        await call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token });
    };
    await writeEdit(journey, { exposure: aRamp(undefined, ...STEPS) });
    const online = { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken };
    await check();
    assert.match(
      (await ota(['plan'], online)).out,
      /There is no forecast of [^:]*: no device has checked in twice/,
    );
    for (let visit = 0; visit < 3; visit += 1) {
      await journey.pass(6 * HOUR_MS);
      await check();
    }
    const { out } = await ota(['plan', '--format', 'json'], { ...online, nowMs: Date.now() + 18 * HOUR_MS });
    const { forecast, fleet } = JSON.parse(out);
    assert.is(fleet.devices, 20);
    assert.is(forecast.observed_devices, 20);
    assert.ok(Math.abs(forecast.median_gap_s / 3600 - 6) < 0.4, `${forecast.median_gap_s}`);
    assert.is(forecast.steps.length, 3);
    assert.ok(forecast.nearly_all_at !== null);
    const proposed: Proposal[] = [];
    const proposals: Proposals = {
      base: async () => journey.repository.git('rev-parse', 'HEAD'),
      open: async proposal => {
        proposed.push(proposal);
        return { branch: 'ota/change', url: undefined };
      },
    };
    const later = { ...online, nowMs: Date.now() + 18 * HOUR_MS, proposals };
    const foretold = /95 % of the active devices .* run it by/;
    for (const verb of [
      ['rollout', '20'],
      ['canary', 'add', '--device', 'kiosk-1'],
    ])
      assert.match((await ota([...verb, '--dry-run'], later)).out, foretold, verb.join(' '));
    // A pull request changes what is merged, where b41 runs everywhere.
    for (const exposure of [
      ['--percent', '5'],
      ['--ramp', '1:4h,100'],
    ]) {
      const opened = await ota(['promote', 'b42', ...exposure, '--reason', 'new', '--open-pr'], later);
      assert.is(opened.code, 0, opened.err);
      assert.match(opened.out, foretold);
      const [proposal] = proposed.splice(0);
      assert.match(proposal === undefined ? '' : proposalBody(proposal), foretold, exposure.join(' '));
    }
    const unknown = await ota(['plan'], { cwd: journey.repository.folder });
    assert.match(unknown.out, /There is no forecast of [^:]*: OTA_ADMIN_TOKEN is not set/);
  }));

test('a seed is searched on the devices that the controller calls active, not on those of the last 72 hours', async () => {
  for (const [window, laterMs, word] of [
    ['1h', 2 * HOUR_MS, 'enrolled'],
    ['200h', 100 * HOUR_MS, 'active'],
  ] as const)
    await withController(
      async journey => {
        const [seen] = await journey.enrol(['kiosk-1', 'kiosk-2']);
        await journey.merge(full);
        await call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token: seen?.token ?? '' });
        await journey.controller.store.devices.flush();
        const { err } = await ota(['promote', 'b42', '--percent', '10', '--dry-run'], {
          cwd: journey.repository.folder,
          url: journey.url,
          token: journey.adminToken,
          nowMs: Date.now() + laterMs,
        });
        assert.match(err, new RegExp(`on \\d ${word} device`), window);
      },
      { settings: { OTA_ACTIVE_WINDOW: window } },
    );
});

test.run();
