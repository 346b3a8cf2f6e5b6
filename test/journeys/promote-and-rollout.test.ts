import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet } from '../../agent/fleet/fleet.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { type Journey, withController } from '../support/controller.ts';

const IDS = Array.from({ length: 300 }, (_, i) => `tablet-${i}`);
const below = (percent: number): string[] => IDS.filter(id => bucketOf(id, '') < percent * 100).sort();

async function withFleet(journey: Journey, use: (fleet: Fleet) => Promise<void>): Promise<void> {
  const enrolled = await journey.enrol(IDS);
  const signer = journey.builds.b41.build.signerFingerprint;
  const fleet = new Fleet({
    url: journey.url,
    seed: 7,
    devices: enrolled.map(d => ({
      deviceId: d.device_id,
      token: d.token,
      nudgeKey: Buffer.from(d.nudge_key, 'base64'),
      versionCode: 41,
      buildId: 'b41',
      signer,
      mayDowngrade: true,
    })),
  });
  try {
    await use(fleet);
  } finally {
    await fleet.stop();
  }
}

const running = (fleet: Fleet, versionCode: number): string[] =>
  fleet
    .devices()
    .filter(d => d.versionCode === versionCode)
    .map(d => d.deviceId)
    .sort();

test('promote & 10 % rollout, 50 %, 100 %: exactly the cohort gets B2, nobody is re-cohorted', () =>
  withController(async journey => {
    await journey.merge({ current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } });
    await withFleet(journey, async fleet => {
      await journey.merge(10);
      await fleet.start();
      assert.equal(running(fleet, 42), below(10));
      assert.is(
        await journey.metric('ota_checks_total', { decision: 'outside_cohort' }),
        IDS.length - below(10).length,
      );
      for (const percent of [50, 100]) {
        await journey.merge(percent);
        await fleet.pollAll();
        assert.equal(running(fleet, 42), below(percent));
      }
      assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), IDS.length);
      assert.is(await journey.metric('ota_installs_total', { outcome: 'fail' }), 0);
    });
  }));

test.run();
