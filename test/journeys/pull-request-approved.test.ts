import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { MINUTE_MS, withPullRequests } from '../support/github/journey.ts';
import { inRepository } from '../support/github/stage.ts';
import { aPolicy, aState } from '../support/state.ts';

const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 2 }] });

test('two pull requests in flight: what was reviewed is what is applied, else it is held and says why', () =>
  withPullRequests(async pulls => {
    const { hub, journey } = pulls;
    const builds = [journey.builds.b41.build, journey.builds.b42.build];
    const guarded = aState({
      builds,
      policy,
      rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
    });
    hub.state.git.commit('main', inRepository(guarded), 'guard the fleet');
    await journey.controller.reconcile.run();
    await pulls.settle();

    const wide = await pulls.propose('wide', 50, { policy });
    const head = hub.state.git.tip('wide') ?? '';
    assert.match(pulls.statuses(head, 'ota/policy').at(-1) ?? '', /^pending 0 of 2 approvals/);
    await pulls.pass(MINUTE_MS);
    hub.state.review(wide, 'ruth');
    hub.state.review(wide, 'ada'); // its own author
    await pulls.deliver('pull_request_review');
    await pulls.pass(MINUTE_MS);
    assert.match(pulls.statuses(head, 'ota/policy').at(-1) ?? '', /^pending 1 of 2 approvals/);
    hub.state.review(wide, 'omar');
    await pulls.pass(MINUTE_MS);
    assert.match(
      pulls.statuses(head, 'ota/policy').at(-1) ?? '',
      /^success plan [0-9a-f]{12} is approved by 2/,
    );

    // Another pull request is merged first: the approved plan is no longer the one that would be applied.
    const other = await pulls.propose(
      'other',
      {
        current: 'b41',
        lastSafe: undefined,
        exposure: { kind: 'percent', percent: 100 },
        minBatteryPercent: 45,
      },
      { policy },
    );
    await pulls.merge(other);
    const merge = await pulls.merge(wide);
    assert.is(journey.controller.reconcile.snapshot?.rollout.current, 'b41', 'held');
    assert.match(pulls.statuses(merge, 'ota/sync').at(-1) ?? '', /^failure not applied.*plan_not_approved/);
    assert.match(pulls.report(wide), /🔴 held/);
    assert.match(pulls.report(wide), /the reviewed plan differs/);

    await pulls.pass(MINUTE_MS);
    hub.state.review(wide, 'ruth');
    hub.state.review(wide, 'omar');
    await journey.controller.reconcile.run();
    await pulls.pass(MINUTE_MS);
    assert.is(
      journey.controller.reconcile.snapshot?.rollout.current,
      'b42',
      'approved again with the new plan in view',
    );
    assert.is(journey.controller.reconcile.snapshot?.rollout.minBatteryPercent, 45);
    assert.match(pulls.statuses(merge, 'ota/sync').at(-1) ?? '', /^success applied/);
    assert.match(pulls.report(wide), /rolling out · 50 %/);

    const [applied] = (await journey.admin('GET', '/v1/history')).json.revisions;
    assert.equal(
      [applied.revision, applied.pull, applied.merged_by, [...applied.approved_by].sort()],
      [merge, wide, 'merlin', ['omar', 'ruth']],
    );
    const io = { url: journey.url, token: journey.adminToken };
    assert.match(
      (await ota(['history', '--limit', '1'], io)).out,
      new RegExp(`#${wide} merged by merlin, approved by (ruth, omar|omar, ruth)`),
    );
  }));

test('a push past review is held; the emergency way back needs nobody', () =>
  withPullRequests(async pulls => {
    const { hub, journey } = pulls;
    const builds = [journey.builds.b41.build, journey.builds.b42.build];
    const at = (rollout: Parameters<typeof aState>[0]) =>
      inRepository(aState({ builds, policy, ...rollout }));
    hub.state.git.commit('main', at({ rollout: 10 }), 'b42 at 10 %');
    await journey.controller.reconcile.run();
    hub.state.git.commit('main', at({ rollout: 100 }), 'all at once, past review');
    await journey.controller.reconcile.run();
    await pulls.settle();
    const problems = journey.controller.reconcile.status().problems;
    assert.equal(
      problems.map(p => p.code),
      ['plan_not_approved'],
    );
    assert.equal(journey.controller.reconcile.snapshot?.rollout.exposure, { kind: 'percent', percent: 10 });
    hub.state.git.commit('main', at({ rollout: { rollback: true } }), 'rollback');
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.snapshot?.rollout.rollback, true);
  }));

test.run();
