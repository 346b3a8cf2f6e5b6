import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { MINUTE_MS, withPullRequests } from '../support/github/journey.ts';

const IDS = Array.from({ length: 60 }, (_, i) => `tablet-${i}`);
const exposed = IDS.filter(id => bucketOf(id, '') < 2500);

test('open → plan comment → merge → statuses → adoption → completed, then zero writes while idle', () =>
  withPullRequests(async pulls => {
    const { hub, journey } = pulls;
    await pulls.withFleet(IDS, async fleet => {
      await pulls.settle();
      const pull = await pulls.propose('b42-at-25', 25);
      const head = hub.state.git.tip('b42-at-25') ?? '';
      const plan = pulls.report(pull);
      assert.match(plan, /Promote `b42` at 25 %/);
      assert.match(plan, /60 enrolled devices, 0 never seen/);
      assert.match(plan, `| **25 %** | **${exposed.length} (nominal 15)** |`);
      assert.match(plan, head.slice(0, 12));
      assert.equal(pulls.statuses(head, 'ota/validate'), ['success valid']);
      assert.match(pulls.statuses(head, 'ota/plan').join(), /^success b42 · 0 % → 25 %/);

      const merge = await pulls.merge(pull);
      assert.match(pulls.statuses(merge, 'ota/sync').join(), /^success applied/);
      assert.equal(pulls.statuses(merge, 'ota/rollout'), [
        `pending 25 % · 0/${exposed.length} installed · 0 % failed`,
      ]);
      assert.match(pulls.report(pull), /🔵 rolling out · 25 %/);
      assert.match(pulls.report(pull), `| waiting | ${exposed.length} | 100 % of offered |`);

      // The agents update, and say at their next check what they run.
      await fleet.pollAll();
      await pulls.pass(MINUTE_MS);
      await fleet.pollAll();
      await pulls.pass(MINUTE_MS);
      const report = pulls.report(pull);
      assert.match(report, /🟢 completed/);
      assert.match(report, `| installed | ${exposed.length} | 100 % of offered |`);
      assert.match(report, `**Devices:** ${exposed.length} ok · 0 failed`);
      assert.match(report, /```mermaid\n%%\{init: .*\}%%\nxychart-beta/);
      assert.equal(pulls.finals(merge), [
        `success completed · 25 % · ${exposed.length}/${exposed.length} installed · 0 % failed`,
      ]);
      assert.is(pulls.notices(pull).length, 1);
      const deployment = hub.state.deployments.find(d => d.sha === merge);
      assert.equal(
        deployment?.statuses.map(s => s.state),
        ['in_progress', 'success'],
      );
      assert.is(deployment?.environment, 'fleet');

      const writes = hub.writes().length;
      for (let hour = 0; hour < 6; hour += 1) {
        await fleet.pollAll();
        await pulls.pass(60 * MINUTE_MS);
      }
      assert.is(hub.writes().length, writes, 'zero writes while idle');
      assert.not.match(JSON.stringify(hub.requests.map(r => r.body)), /tablet-/, 'device ids never appear');
      assert.ok(journey.log.some(line => line.event === 'ota.webhook'));
    });
  }));

test.run();
