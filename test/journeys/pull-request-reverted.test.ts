import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { MINUTE_MS, withPullRequests } from '../support/github/journey.ts';

const IDS = Array.from({ length: 40 }, (_, i) => `tablet-${i}`);
const exposed = IDS.filter(id => bucketOf(id, '') < 5000);

test('open → merge → adoption → revert: the rollout ends as reverted, is reported once, and the revert has its own report', () =>
  withPullRequests(async pulls => {
    const { hub } = pulls;
    await pulls.withFleet(IDS, async fleet => {
      const promote = await pulls.propose('b42-at-50', 50);
      const promoted = await pulls.merge(promote);
      // Some have it, then it is taken back.
      for (const id of exposed.slice(0, 5)) await fleet.poll(id);
      for (const id of exposed.slice(0, 5)) await fleet.poll(id);
      await pulls.pass(MINUTE_MS);
      assert.match(pulls.report(promote), '| installed | 5 |');

      const back = await pulls.propose('back', {
        rollback: true,
        exposure: { kind: 'percent', percent: 50 },
      });
      assert.match(pulls.report(back), /newer version/);
      const reverted = await pulls.merge(back);
      await fleet.pollAll();
      await pulls.pass(MINUTE_MS);
      await fleet.pollAll();
      await pulls.pass(MINUTE_MS);

      assert.match(pulls.report(promote), /🔴 reverted/);
      assert.is(pulls.notices(promote).length, 1);
      assert.is(pulls.finals(promoted).length, 1);
      assert.match(
        pulls.finals(promoted)[0] ?? '',
        `failure reverted by ${reverted.slice(0, 12)} · 50 % · 5/`,
      );
      assert.match(pulls.report(back), /🟢 completed/);
      assert.match(pulls.report(back), '| staying on a newer version | 5 |');
      assert.match(pulls.finals(reverted).join('|'), /^success completed · rollback[^|]*$/);
      const states = hub.state.deployments.map(d => [d.sha, d.statuses.at(-1)?.state]);
      assert.equal(
        states.find(([sha]) => sha === promoted),
        [promoted, 'failure'],
      );
      assert.equal(
        states.find(([sha]) => sha === reverted),
        [reverted, 'success'],
      );
      const fleetNow = fleet.devices().filter(d => d.versionCode === 42).length;
      assert.is(fleetNow, 5, 'no further install of what was taken back');
    });
  }));

test.run();
