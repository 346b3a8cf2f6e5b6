import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { type LogLine, withController } from '../support/controller.ts';
import { deviceIds, withFleet } from '../support/fleet.ts';

const IDS = deviceIds(100);

test('one build_id and request_id from manifest to download to install to result; counters equal the devices', () =>
  withController(async journey => {
    await withFleet(journey, IDS, async fleet => {
      const exposed = IDS.filter(id => bucketOf(id, '') < 3_000);
      await journey.merge(30);
      const before = await journey.metric('ota_checks_total', { decision: 'offer' });
      await fleet.start();
      assert.is(fleet.summary().installs, exposed.length);
      for (const deviceId of exposed) {
        const of = (event: string) => journey.log.filter(l => l.event === event && l.device_id === deviceId);
        const results = of('ota.result').filter(l => l.outcome === 'ok');
        assert.is(results.length, 1, `${deviceId}: ${results.length} results`);
        const { request_id, build_id } = results[0] as LogLine;
        assert.is(build_id, 'b42');
        for (const event of ['ota.manifest.200', 'ota.download.200'])
          assert.ok(
            of(event).some(l => l.request_id === request_id && l.build_id === build_id),
            `${event} of ${deviceId}`,
          );
      }
      assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), exposed.length);
      assert.is(await journey.metric('ota_downloads_total', { result: 'ok' }), exposed.length);
      // Each exposed device asks once; before it installs it asks again, which does not count as a second offer.
      const offers = (await journey.metric('ota_checks_total', { decision: 'offer' })) - before;
      assert.is(offers, exposed.length);
      assert.is(await journey.metric('ota_checks_total', { decision: 'offer_again' }), exposed.length);
      assert.is(
        await journey.metric('ota_checks_total', { decision: 'outside_cohort' }),
        IDS.length - exposed.length,
      );
      const revisions = new Set(journey.log.filter(l => l.event === 'ota.manifest.200').map(l => l.revision));
      assert.is(revisions.size, 1);
    });
  }));

test('no token, no key and no device label is in the log or in /metrics', () =>
  withController(async journey => {
    await journey.merge(100);
    const enrolled = await journey.enrol(['secret-keeper']);
    const device = enrolled[0];
    if (device === undefined) throw new Error('enrolled');
    await withFleet(journey, deviceIds(3), async fleet => fleet.start());
    const answer = await fetch(`${journey.url}/v1/agent/update?version_code=41`, {
      headers: { authorization: `Bearer ${device.token}x` },
    });
    assert.is(answer.status, 401);
    const shown = JSON.stringify(journey.log) + (await journey.admin('GET', '/metrics')).body.toString();
    for (const secret of [device.token, device.nudge_key, journey.adminToken])
      assert.not.match(shown, secret);
    assert.not.match((await journey.admin('GET', '/metrics')).body.toString(), /tablet-|secret-keeper/);
  }));

test('every download attempt is a row of apk_download_events with source agent-ota', () =>
  withController(async journey => {
    await journey.merge(100);
    await withFleet(journey, deviceIds(4), async fleet => {
      await fleet.start();
      const stats = await journey.controller.store.outcomes.downloadStats('b42');
      assert.is(stats.downloads, 4);
      assert.is(stats.bytes, 4 * journey.builds.b42.apk.length);
    });
  }));

test.run();
