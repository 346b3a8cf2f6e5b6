/**
 * A ramp that is applied later than it was committed begins at its first step (SPEC §2 "Ramp"), through real Git, HTTP
 * and store. Each way in which that can happen; and every way back passes, also to a ramp whose start is old.
 */
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, isExposed } from '../../controller/domain/cohort.ts';
import { type Enrolled, type Journey, withController } from '../support/controller.ts';
import { until } from '../support/folder.ts';
import { anApk, call, sha256Of } from '../support/http.ts';
import { releaseFiles } from '../support/releases.ts';
import { aPolicy, aRamp, aRollout, aState, HOUR_MS as HOUR, type StateParts } from '../support/state.ts';

const ALL = { kind: 'percent', percent: 100 } as const;
const B41_FOR_ALL = { current: 'b41', lastSafe: undefined, exposure: ALL } as const;
const ramp = (startMs?: number) => aRamp(startMs, [10, 4], [50, 24], [100]);
const IDS = Array.from({ length: 60 }, (_, n) => `kiosk-${n}`);

/** Which devices are offered this build now, asked of the update route one by one. */
async function offered(journey: Journey, devices: readonly Enrolled[], buildId = 'b42'): Promise<string[]> {
  const found: string[] = [];
  for (const { device_id, token } of devices) {
    const answer = await call(journey.url, 'GET', '/v1/agent/update?version_code=0', { token });
    if (answer.status === 200 && answer.json.build_id === buildId) found.push(device_id);
  }
  return found;
}

const exposedAt = (percent: number): string[] => IDS.filter(id => isExposed(bucketOf(id, ''), percent));

/** Effective exposure as operators see it, and the very devices that are offered the build. */
async function expectOpen(
  journey: Journey,
  devices: readonly Enrolled[],
  percent: number,
  buildId = 'b42',
): Promise<void> {
  const { json } = await journey.admin('GET', '/v1/rollout');
  assert.is(json.exposure.effective_percent, percent);
  assert.equal(await offered(journey, devices, buildId), percent === 0 ? [] : exposedAt(percent));
}

const parts = (journey: Journey, rollout: StateParts['rollout']): StateParts => ({
  builds: [journey.builds.b41.build, journey.builds.b42.build],
  rollout: aRollout(rollout),
});
const codes = ({ controller }: Journey): string[] =>
  controller.reconcile.status().problems.map(p => `${p.severity} ${p.code}`);

test('the APK came 60 hours after the merge: the ramp begins at step 1, and then takes the time that was reviewed', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    const b43 = await anApk(43);
    const builds = [journey.builds.b41.build, b43.build];
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ current: 'b43', exposure: ramp() }, { builds: [...builds] });
    assert.equal(codes(journey), ['error artifact_missing']);
    await journey.pass(60 * HOUR);
    await journey.admin('PUT', `/v1/artifacts/${sha256Of(b43.apk)}`, {
      body: b43.apk,
      type: 'application/vnd.android.package-archive',
    });
    await journey.controller.reconcile.run();
    await expectOpen(journey, devices, 10, 'b43');
    await journey.pass(3.9 * HOUR);
    await expectOpen(journey, devices, 10, 'b43');
    await journey.pass(0.2 * HOUR);
    await expectOpen(journey, devices, 50, 'b43');
  }));

test('a freeze window held it: the ramp begins when the window ends', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    const now = new Date();
    const day = (['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const)[now.getUTCDay()] ?? 'sun';
    const next =
      (['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const)[(now.getUTCDay() + 1) % 7] ?? 'sun';
    const freeze = { reason: 'holiday', timeZone: 'UTC', days: [day, next], fromMinute: 0, toMinute: 1440 };
    const policy = aPolicy({ freezeWindows: [freeze] });
    await journey.merge(B41_FOR_ALL, { policy });
    await journey.merge({ exposure: ramp() }, { policy });
    assert.ok(codes(journey).includes('error policy_freeze'), String(codes(journey)));
    await journey.pass(50 * HOUR);
    await journey.controller.reconcile.run();
    await expectOpen(journey, devices, 10);
  }));

for (const [name, startMs] of [
  ['without a written start', () => undefined],
  ['whose written start has passed', () => Math.floor(Date.now() / 1000) * 1000],
] as const)
  test(`the controller was away for 60 hours: a ramp merged meanwhile, ${name}, begins at step 1`, () =>
    withController(async journey => {
      const devices = await journey.enrol(IDS);
      await journey.merge(B41_FOR_ALL);
      await journey.controller.stop('down');
      const files = releaseFiles(parts(journey, { exposure: ramp(startMs()) }));
      const head = await journey.repository.commit(files, { atMs: Date.now() });
      await journey.restart({}, 60 * HOUR);
      await journey.controller.reconcile.run();
      assert.is(journey.controller.reconcile.status().appliedRevision, head, String(codes(journey)));
      await expectOpen(journey, devices, 10);
    }));

test('a fast-forward to a commit of last week begins at step 1', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    await journey.merge(B41_FOR_ALL);
    const { repository } = journey;
    await repository.git('checkout', '--quiet', '-b', 'release');
    await repository.commit(releaseFiles(parts(journey, { exposure: ramp() })), {
      atMs: Date.now() - 7 * 24 * HOUR,
    });
    await repository.git('checkout', '--quiet', 'main');
    await repository.git('merge', '--quiet', '--ff-only', 'release');
    await journey.controller.reconcile.run();
    await expectOpen(journey, devices, 10);
  }));

test('a commit with a date of years ago begins its ramp now', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    await journey.merge(B41_FOR_ALL);
    const files = releaseFiles(parts(journey, { exposure: ramp() }));
    await journey.repository.commit(files, { atMs: Date.UTC(2019, 0, 1) });
    await journey.controller.reconcile.run();
    await expectOpen(journey, devices, 10);
  }));

test('the revert of a hotfix to a ramp with an old start passes and begins at step 1', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    const b43 = await anApk(43);
    await journey.admin('PUT', `/v1/artifacts/${sha256Of(b43.apk)}`, {
      body: b43.apk,
      type: 'application/vnd.android.package-archive',
    });
    const builds = [journey.builds.b41.build, journey.builds.b42.build, b43.build];
    await journey.merge(B41_FOR_ALL, { builds });
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    await journey.merge({ exposure: ramp(startMs) }, { builds });
    await journey.pass(40 * HOUR);
    await journey.merge({ current: 'b43', exposure: ALL }, { builds });
    await journey.pass(HOUR);
    await journey.repository.git('revert', '--no-edit', 'HEAD');
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.snapshot?.rollout.current, 'b42', String(codes(journey)));
    assert.ok(codes(journey).includes('warning ramp_restarts'), String(codes(journey)));
    await expectOpen(journey, devices, 10);
  }));

test('a merged ramp is not refused for good after an outage of weeks', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    await journey.merge(B41_FOR_ALL);
    await journey.controller.stop('down');
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    const files = releaseFiles(parts(journey, { exposure: ramp(startMs) }));
    const head = await journey.repository.commit(files, { atMs: Date.now() });
    await journey.restart({}, 30 * 24 * HOUR);
    // A start after so long is not believed until somebody says that the time is right.
    await journey.admin('POST', '/v1/clock/confirm');
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.status().appliedRevision, head, String(codes(journey)));
    await expectOpen(journey, devices, 10);
  }));

test('a new controller on an old repository begins the ramp at step 1 and says so', () =>
  withController(async journey => {
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ exposure: ramp() });
    await journey.pass(10 * HOUR);
    await journey.restart({ OTA_DATA: path.join(journey.folder, 'another') }, 60 * 24 * HOUR);
    const fresh = await journey.freshOperator();
    const stored = async () => {
      for (const { apk } of Object.values(journey.builds))
        await fresh('PUT', `/v1/artifacts/${sha256Of(apk)}`, {
          body: apk,
          type: 'application/vnd.android.package-archive',
        });
    };
    await stored();
    await journey.controller.reconcile.run();
    await until('the ramp', () => journey.controller.reconcile.snapshot?.rollout.current === 'b42');
    const { json } = await fresh('GET', '/v1/rollout');
    assert.is(json.exposure.effective_percent, 10);
    assert.ok(codes(journey).includes('warning ramp_restarts'), String(codes(journey)));
  }));

test('a rollback after ten minutes at 100 % that is reverted comes back at step 1, not at 100 %', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ exposure: ramp(startMs) });
    for (let n = 0; n < 5; n += 1) await journey.pass(8 * HOUR);
    await expectOpen(journey, devices, 100);
    await journey.merge({ exposure: ramp(startMs), rollback: true });
    await expectOpen(journey, devices, 0);
    await journey.repository.git('revert', '--no-edit', 'HEAD');
    await journey.controller.reconcile.run();
    assert.ok(codes(journey).includes('warning ramp_restarts'), String(codes(journey)));
    await expectOpen(journey, devices, 10);
  }));

test('a build that was reverted and promoted again between two polls begins again at step 1', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ exposure: ramp() });
    await journey.pass(5 * HOUR);
    await expectOpen(journey, devices, 50);
    const atMs = Date.now() + 5 * HOUR;
    await journey.repository.commit(releaseFiles(parts(journey, B41_FOR_ALL)), { atMs });
    await journey.repository.commit(releaseFiles(parts(journey, { exposure: ramp() })), { atMs });
    await journey.controller.reconcile.run();
    await expectOpen(journey, devices, 10);
    assert.ok(codes(journey).includes('warning ramp_restarts'), String(codes(journey)));
  }));

test('a bad commit that was rejected, and reverted, leaves the ramp where it stands', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ exposure: ramp() });
    await journey.pass(5 * HOUR);
    for (const current of ['b48', 'b49']) {
      await journey.commitFiles(releaseFiles(aState(parts(journey, { current }))));
      assert.ok(codes(journey).includes('error unknown_build'));
    }
    await journey.merge({ exposure: ramp() });
    assert.equal(codes(journey), []);
    await expectOpen(journey, devices, 50);
  }));

test('the time of a step is the time it was served: a controller that was down for a day stays in its step', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ exposure: ramp() });
    await journey.pass(3 * HOUR);
    await journey.restart({}, 30 * HOUR);
    await journey.pass(0);
    await expectOpen(journey, devices, 10);
    await journey.pass(0.8 * HOUR);
    await expectOpen(journey, devices, 10);
    await journey.pass(0.4 * HOUR);
    await expectOpen(journey, devices, 50);
  }));

test('a step that would open in a freeze window waits for its end', () =>
  withController(async journey => {
    const devices = await journey.enrol(IDS);
    const at = (ms: number) => new Date(Date.now() + ms);
    const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
    // From three hours on, for at least six: written as whole minutes of the days that it touches.
    const from = at(3 * HOUR);
    const minute = from.getUTCHours() * 60 + from.getUTCMinutes();
    const window = (day: number, fromMinute: number, toMinute: number) => ({
      reason: 'evening',
      timeZone: 'UTC',
      days: [days[day % 7] ?? 'sun'],
      fromMinute,
      toMinute,
    });
    const end = minute + 6 * 60;
    const freezeWindows =
      end <= 1440
        ? [window(from.getUTCDay(), minute, end)]
        : [window(from.getUTCDay(), minute, 1440), window(from.getUTCDay() + 1, 0, end - 1440)];
    const policy = aPolicy({ freezeWindows });
    await journey.merge(B41_FOR_ALL, { policy });
    await journey.merge({ exposure: ramp() }, { policy });
    assert.equal(codes(journey), []);
    await journey.pass(5 * HOUR);
    await expectOpen(journey, devices, 10);
    await journey.pass(5 * HOUR);
    await expectOpen(journey, devices, 50);
  }));

test.run();
