import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { withController } from '../support/controller.ts';
import { deviceIds, running, withFleet } from '../support/fleet.ts';

const IDS = deviceIds(300);
const below = (percent: number): string[] => IDS.filter(id => bucketOf(id, '') < percent * 100).sort();

test('promote & 10 % rollout: the cohort is offered B2, the others get "no update"', () =>
  withController(async journey => {
    await journey.merge({ current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } });
    await withFleet(journey, IDS, async fleet => {
      await journey.merge(10);
      await fleet.start();
      assert.equal(running(fleet, 42), below(10));
      assert.is(
        await journey.metric('ota_checks_total', { decision: 'outside_cohort' }),
        IDS.length - below(10).length,
      );
      assert.ok(journey.log.some(l => l.event === 'ota.promote' && l.build_id === 'b42' && l.percent === 10));
    });
  }));

test('increase to 50 % then 100 %: adoption follows and no device is re-cohorted', () =>
  withController(async journey => {
    await withFleet(journey, IDS, async fleet => {
      await journey.merge(10);
      await fleet.start();
      let had = new Set(running(fleet, 42));
      for (const percent of [50, 100]) {
        await journey.merge(percent);
        await fleet.pollAll();
        const has = running(fleet, 42);
        assert.equal(has, below(percent));
        assert.ok([...had].every(id => has.includes(id)));
        had = new Set(has);
        await fleet.pollAll();
        await journey.controller.store.devices.flush();
        await journey.controller.tick();
        const adopted = await journey.metric('ota_adoption_ratio', { build_id: 'b42' });
        assert.is(adopted, has.length / IDS.length);
        assert.is(await journey.metric('ota_exposure_ratio', { kind: 'effective' }), percent / 100);
      }
      assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), IDS.length);
      assert.is(await journey.metric('ota_installs_total', { outcome: 'fail' }), 0);
      const steps = journey.log.filter(l => l.event === 'ota.rollout.update').map(l => l.to_percent);
      assert.equal(steps, [10, 50, 100]);
      assert.ok(journey.log.some(l => l.event === 'ota.adoption.progress' && l.percent === 100));
    });
  }));

test('canaries get the build at 0 %, by tag and by device, and are offered it as canaries', () =>
  withController(async journey => {
    await withFleet(
      journey,
      ['qa-1', 'qa-2'],
      async qa =>
        withFleet(journey, ['kiosk-7', 'kiosk-8'], async others => {
          await journey.merge({
            exposure: { kind: 'percent', percent: 0 },
            canary: { tags: ['qa'], devices: ['kiosk-7'], cohorts: [] },
          });
          await qa.start();
          await others.start();
          assert.equal(running(qa, 42), ['qa-1', 'qa-2']);
          assert.equal(running(others, 42), ['kiosk-7']);
          const offers = journey.log.filter(l => l.event === 'ota.manifest.200');
          assert.ok(offers.length > 0 && offers.every(l => l.eligible_by === 'canary'));
        }),
      { tags: ['qa'] },
    );
  }));

test.run();
