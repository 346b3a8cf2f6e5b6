/** SPEC §10: every server event is logged by its name and every metric moves, on the controller as it is wired. */
import { rename } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';

const B41_FOR_ALL = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;

const logged = ({ log }: Journey, event: string) => log.filter(l => l.event === event);
const only = <T>([one]: readonly T[]): T => {
  if (one === undefined) throw new Error('there is none');
  return one;
};

async function oneDevice(journey: Journey) {
  const { token } = only(await journey.enrol(['d-1']));
  const check = (versionCode: number, buildId: string) =>
    call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&build_id=${buildId}`, { token });
  const report = (outcome: string, reason: string, id: string) =>
    call(journey.url, 'POST', '/v1/action-result', {
      token,
      json: { request_id: id, build_id: 'b42', outcome, reason, version_code: 42 },
    });
  const download = (build: string) => call(journey.url, 'GET', `/v1/agent/builds/${build}/apk`, { token });
  return { check, report, download };
}

test('each server event has its name, and revision, build and percent where they belong', () =>
  withController(async journey => {
    await journey.merge(B41_FOR_ALL);
    const promoted = await journey.merge(100);
    const device = await oneDevice(journey);
    await device.check(41, 'b41');
    await device.download('b42');
    await device.download('b41');
    await device.check(42, 'b42');
    await journey.controller.tick();
    const back = await journey.merge({ rollback: true });
    await device.check(42, 'b42');

    const promote = only(logged(journey, 'ota.promote').slice(1));
    assert.equal([promote.revision, promote.build_id, promote.previous_build_id], [promoted, 'b42', 'b41']);
    const rollback = only(logged(journey, 'ota.rollback'));
    assert.equal([rollback.revision, rollback.build_id, rollback.from_build_id], [back, 'b41', 'b42']);
    assert.equal(
      logged(journey, 'ota.rollout.update').map(l => [l.build_id, l.from_percent, l.to_percent, l.by]),
      [
        ['b41', 0, 100, 'commit'],
        ['b42', 0, 100, 'commit'],
        ['b42', 100, 0, 'commit'],
      ],
    );
    assert.equal(
      logged(journey, 'ota.manifest.200').map(l => l.build_id),
      ['b42'],
    );
    assert.equal(
      logged(journey, 'ota.manifest.304').map(l => l.reason),
      ['up_to_date', 'ahead'],
    );
    assert.equal(
      logged(journey, 'ota.download.200').map(l => [l.build_id, l.status]),
      [['b42', 200]],
    );
    assert.equal(
      logged(journey, 'ota.download.fail').map(l => [l.build_id, l.code]),
      [['b41', 'build_not_offered']],
    );
    const progress = logged(journey, 'ota.adoption.progress').at(-1);
    assert.equal([progress?.build_id, progress?.percent], ['b42', 100]);
    assert.is(await journey.metric('ota_adoption_ratio', { build_id: 'b42' }), 1);
    assert.is(await journey.metric('ota_checks_total', { decision: 'offer' }), 1);
    assert.is(await journey.metric('ota_downloads_total', { result: 'ok' }), 1);
    assert.is(await journey.metric('ota_downloads_total', { result: 'fail' }), 1);
    assert.is(await journey.metric('ota_exposure_ratio', { kind: 'declared' }), 0.1);
    assert.is(await journey.metric('ota_exposure_ratio', { kind: 'effective' }), 0);
    assert.ok((await journey.metric('ota_http_request_seconds_count', { route: '/v1/agent/update' })) >= 3);
  }));

test('installs and failed verifications are counted once each, an ok is adoption only when a check confirms it', () =>
  withController(async journey => {
    await journey.merge(100);
    const device = await oneDevice(journey);
    await device.report('deferred', 'wifi', 'request-1');
    await device.report('fail', 'sha256_mismatch', 'request-1');
    await device.report('ok', 'installed', 'request-2');
    await device.report('ok', 'installed', 'request-2');
    const counted = async () => [
      await journey.metric('ota_installs_total', { outcome: 'ok' }),
      await journey.metric('ota_installs_total', { outcome: 'fail' }),
      await journey.metric('ota_verify_fail_total'),
    ];
    assert.equal(await counted(), [1, 1, 1]);
    await journey.controller.tick();
    assert.is(await journey.metric('ota_adoption_ratio', { build_id: 'b42' }), 0);
    const results = async () => {
      await journey.controller.store.devices.flush();
      const { json } = await journey.admin('GET', '/v1/builds');
      return json.builds.find((b: { build_id: string }) => b.build_id === 'b42').results;
    };
    assert.is((await results()).confirmed, 0);
    await device.check(42, 'b42');
    await journey.controller.tick();
    assert.is((await results()).confirmed, 1);
    assert.is(await journey.metric('ota_adoption_ratio', { build_id: 'b42' }), 1);
    assert.is(await journey.metric('ota_rollout_devices', { build_id: 'b42', state: 'running' }), 1);
    assert.equal(await counted(), [1, 1, 1], 'what was counted stays');
  }));

test('each way a reconcile pass ends is an event and a count', () =>
  withController(async journey => {
    const ended = async (result: string) => {
      // The source's own hints make passes too, so these are read the smallest first.
      const counts = [
        await journey.metric('ota_reconciles_total', { result }),
        await journey.metric('ota_reconcile_seconds_count', { result }),
        logged(journey, `ota.reconcile.${result}`).length,
      ];
      assert.equal(
        [...counts],
        [...counts].sort((a, b) => a - b),
      );
      assert.is(counts.every(n => n > 0) || counts.every(n => n === 0), true, `${result}: ${counts}`);
      return counts[0] ?? 0;
    };
    const applied = await journey.merge(10);
    assert.is(await ended('applied'), 1);
    assert.is(logged(journey, 'ota.reconcile.applied').at(-1)?.revision, applied);
    const before = await ended('unchanged');
    await journey.controller.reconcile.run();
    assert.ok((await ended('unchanged')) > before);
    await journey.commitFiles({ 'rollout.yaml': 'kind: Nothing\n' });
    const rejected = logged(journey, 'ota.reconcile.rejected').at(-1);
    assert.ok(Array.isArray(rejected?.codes) && rejected.codes.length > 0);
    assert.ok((await ended('rejected')) >= 1);
    await rename(journey.repository.folder, `${journey.repository.folder}.away`);
    await journey.controller.reconcile.run();
    assert.ok((await ended('fail')) >= 1);
    assert.is(logged(journey, 'ota.reconcile.fail').at(-1)?.code, 'source_unreachable');
    await rename(`${journey.repository.folder}.away`, journey.repository.folder);
  }));

test.run();
