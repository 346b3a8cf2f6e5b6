import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { MINUTE_MS, withPullRequests } from '../support/github/journey.ts';

const IDS = Array.from({ length: 40 }, (_, i) => `tablet-${i}`);
const exposed = IDS.filter(id => bucketOf(id, '') < 5000);

test('GitHub is down in the middle, with a restart: devices go on, nothing is lost, nothing is posted twice', () =>
  withPullRequests(async pulls => {
    const { hub, journey } = pulls;
    await pulls.withFleet(IDS, async fleet => {
      const pull = await pulls.propose('b42-at-50', 50);
      hub.fail({ kind: 'lost', operation: 'repos/create-commit-status', times: 2 });
      const merge = await pulls.merge(pull);

      hub.fail({ kind: 'server' });
      await fleet.pollAll();
      await fleet.pollAll();
      assert.is(
        fleet.devices().filter(d => d.versionCode === 42).length,
        exposed.length,
        'checks never stop',
      );
      for (let n = 0; n < 4; n += 1) await pulls.pass(10 * MINUTE_MS);
      hub.heal();
      hub.fail({ kind: 'secondary', retryAfterS: 300 });
      await pulls.pass(10 * MINUTE_MS);
      await journey.restart();
      await pulls.settle();
      hub.heal();
      hub.fail({ kind: 'lost', operation: 'issues/update-comment', times: 1 });
      hub.fail({ kind: 'lost', operation: 'issues/create-comment', times: 1 });
      hub.fail({ kind: 'lost', operation: 'repos/create-deployment', times: 1 });
      for (let n = 0; n < 6; n += 1) await pulls.pass(10 * MINUTE_MS);

      assert.match(pulls.report(pull), /🟢 completed/);
      assert.is(pulls.notices(pull).length, 1);
      assert.is(pulls.finals(merge).length, 1);
      assert.match(pulls.finals(merge)[0] ?? '', /^success completed/);
      assert.match(pulls.statuses(merge, 'ota/sync').join('|'), /^success[^|]*$/, 'once');
      assert.is(hub.state.deployments.filter(d => d.sha === merge).length, 1);
      assert.ok(journey.log.some(l => l.event === 'ota.github' && l.code === 'github_secondary_limit'));
    });
  }));

test('a hundred retries end in one comment', () =>
  withPullRequests(async pulls => {
    const { hub } = pulls;
    // The plan is written and the answer lost; then the list of comments fails as well.
    hub.fail({ kind: 'lost', operation: 'issues/create-comment', times: 1 });
    const pull = await pulls.propose('b42-at-10', 10);
    hub.fail({ kind: 'server', operation: 'issues/list-comments', times: 10 });
    for (let n = 0; n < 6; n += 1) await pulls.pass(6 * MINUTE_MS);
    hub.heal();
    await pulls.pass(6 * MINUTE_MS);
    assert.match(pulls.report(pull), /Promote `b42` at 10 %/);

    hub.fail({ kind: 'lost', operation: 'issues/update-comment' });
    await pulls.merge(pull);
    const kinds = ['server', 'drop', 'secondary', 'lost'] as const;
    for (let n = 0; n < 100; n += 1) {
      hub.heal();
      hub.fail({ kind: kinds[n % kinds.length] ?? 'lost', operation: 'issues/update-comment' });
      await pulls.pass(6 * MINUTE_MS);
    }
    const tries = hub.requests.filter(r => r.operation === 'issues/update-comment').length;
    assert.ok(tries >= 100, `${tries} tries`);
    hub.heal();
    for (let n = 0; n < 2; n += 1) await pulls.pass(6 * MINUTE_MS);
    assert.match(pulls.report(pull), /rolling out · 10 %/);
    assert.is(hub.state.commentsOn(pull).length, 1);
  }));

test.run();
