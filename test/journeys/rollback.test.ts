import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { type Journey, withController } from '../support/controller.ts';
import { deviceIds, running, withFleet } from '../support/fleet.ts';
import { call } from '../support/http.ts';

const IDS = deviceIds(120);
const downloadsOf = (journey: Journey, buildId: string): number =>
  journey.log.filter(l => l.event === 'ota.download.200' && l.build_id === buildId).length;

test('rollback: new checks serve B1, no further B2 installs, B2 stays where it is', () =>
  withController(async journey => {
    await withFleet(journey, IDS, async fleet => {
      await journey.merge(50);
      await fleet.start();
      const had = running(fleet, 42);
      assert.equal(had, IDS.filter(id => bucketOf(id, '') < 5_000).sort());
      const before = downloadsOf(journey, 'b42');
      await journey.merge({ rollback: true, reason: 'crash loop' });
      await withFleet(
        journey,
        deviceIds(40, 'new'),
        async fresh => {
          await fresh.start();
          await fleet.pollAll();
          assert.is(running(fresh, 41).length, 40);
        },
        { versionCode: 0, buildId: undefined as never },
      );
      assert.equal(running(fleet, 42), had);
      assert.is(downloadsOf(journey, 'b42'), before);
      assert.ok(
        journey.log.some(
          l => l.event === 'ota.rollback' && l.build_id === 'b41' && l.from_build_id === 'b42',
        ),
      );
      assert.is(await journey.metric('ota_exposure_ratio', { kind: 'effective' }), 0);
      assert.is(await journey.metric('ota_checks_total', { decision: 'ahead' }), had.length);
    });
  }));

test('rollback with force_downgrade: a test device signed by the same key goes back; one that refuses reports it', () =>
  withController(async journey => {
    const enrolled = deviceIds(20);
    await withFleet(journey, enrolled, async fleet => {
      await withFleet(
        journey,
        ['retail-1'],
        async retail => {
          await journey.merge(100);
          await fleet.start();
          await retail.start();
          assert.is(running(fleet, 42).length, 20);
          await journey.merge({ rollback: true, forceDowngrade: true, reason: 'b42 loses data' });
          await fleet.pollAll();
          await retail.pollAll();
          assert.is(running(fleet, 41).length, 20);
          assert.equal(running(retail, 42), ['retail-1']);
          assert.ok(
            journey.log.some(
              l => l.event === 'ota.result' && l.device_id === 'retail-1' && l.reason === 'downgrade_refused',
            ),
          );
        },
        { mayDowngrade: false },
      );
    });
  }));

test('a revert of the promoting commit is a rollback, and governs the very next check', () =>
  withController(async journey => {
    await journey.merge({ current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } });
    await withFleet(journey, IDS, async fleet => {
      await journey.merge(100);
      await journey.repository.git('revert', '--no-edit', 'HEAD');
      await journey.controller.reconcile.run();
      await fleet.start();
      assert.is(running(fleet, 42).length, 0);
      assert.is(downloadsOf(journey, 'b42'), 0);
      assert.ok(journey.log.some(l => l.event === 'ota.rollback' && l.build_id === 'b41'));
    });
  }));

test('a rollback stops a download that is under way at its next request', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['slow-1']);
    const ask = (headers: Record<string, string> = {}) =>
      call(journey.url, 'GET', '/v1/agent/builds/b42/apk', { token: device?.token, headers });
    assert.is((await ask({ range: 'bytes=0-99' })).status, 206);
    await journey.merge({ rollback: true });
    const gone = await ask({ range: 'bytes=100-199' });
    assert.is(gone.status, 410);
    assert.is((gone.json as { code: string }).code, 'build_not_offered');
  }));

test.run();
