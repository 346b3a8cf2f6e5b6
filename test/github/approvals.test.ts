/** Whose approval counts, and that every open pull request is looked at. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { markerOf } from '../../controller/github/comment.ts';
import { MINUTE_MS, type Stage, withStage } from '../support/github/stage.ts';
import type { Association, Permission } from '../support/github/state.ts';
import { aPolicy } from '../support/state.ts';

const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 1 }] });
const INITIAL = {
  rollout: {
    current: 'b41',
    lastSafe: undefined,
    exposure: { kind: 'percent', percent: 100 } as const,
  },
  policy,
};

const policyOf = (stage: Stage, sha: string): string => stage.statuses(sha, 'ota/policy').at(-1) ?? '';
const consoleOf = (stage: Stage, pull: number): string =>
  stage.comments(pull).find(text => text.startsWith(markerOf('console'))) ?? '';

const reviewedBy = (
  association: Association,
  permission: Permission | undefined,
  use: (stage: Stage, pull: number, head: string) => Promise<void>,
): Promise<void> =>
  withStage(
    async stage => {
      const { hub } = stage;
      hub.state.permissions.set('bob', permission);
      const pull = stage.propose('wide', { rollout: 50, policy });
      const head = hub.state.git.tip('wide') ?? '';
      await stage.later(MINUTE_MS);
      assert.match(policyOf(stage, head), /^pending 0 of 1 approvals/);
      stage.clock.advance(MINUTE_MS);
      hub.state.review(pull, 'bob', 'APPROVED', association);
      await stage.later(MINUTE_MS);
      await use(stage, pull, head);
      assert.equal(hub.violations, []);
    },
    { initial: INITIAL },
  );

for (const [association, permission] of [
  ['CONTRIBUTOR', 'write'],
  ['NONE', 'maintain'],
  ['MEMBER', 'admin'],
] as const)
  test(`an approval by somebody who may ${permission} counts, although GitHub calls them ${association}`, () =>
    reviewedBy(association, permission, async (stage, pull, head) => {
      assert.match(policyOf(stage, head), /^success plan [0-9a-f]{12} is approved by 1$/);
      stage.hub.state.merge(pull);
      await stage.later(MINUTE_MS);
      assert.is(stage.reconcile.snapshot?.rollout.current, 'b42');
      const applied = stage.reconcile.snapshot?.revision ?? '';
      assert.equal(await stage.console.approved(applied), { pull, needed: 1, by: ['bob'] });
    }));

for (const [association, permission] of [
  ['MEMBER', 'read'],
  ['COLLABORATOR', 'triage'],
  ['NONE', 'none'],
] as const)
  test(`an approval by a ${association} who may only ${permission} does not count, and is named`, () =>
    reviewedBy(association, permission, async (stage, pull, head) => {
      assert.match(
        policyOf(stage, head),
        /^pending 0 of 1 approvals of plan [0-9a-f]{12} · not counted: bob$/,
      );
      assert.match(consoleOf(stage, pull), 'Not counted: `bob` has no write access to this repository.');
      stage.hub.state.merge(pull);
      await stage.later(MINUTE_MS);
      assert.is(stage.reconcile.snapshot?.rollout.current, 'b41');
      const [problem] = stage.reconcile.status().problems;
      assert.is(problem?.code, 'plan_not_approved');
      assert.match(problem?.message ?? '', /not counted: bob has no write access/);
    }));

test('an approval does not count, and is named, until GitHub says what its author may do', () =>
  reviewedBy('MEMBER', undefined, async (stage, pull, head) => {
    assert.match(policyOf(stage, head), /^pending 0 of 1 .* · not counted: bob$/);
    assert.match(consoleOf(stage, pull), 'Not counted: GitHub did not return the permission of `bob`.');
    stage.hub.state.permissions.set('bob', 'write');
    await stage.later(MINUTE_MS);
    assert.match(policyOf(stage, head), /^success/);
    assert.not.match(consoleOf(stage, pull), /Not counted/);
  }));

test('open pull requests beyond the first page are read too, and an unchanged list is read once', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const oldest = stage.propose('oldest', { rollout: 10 });
      const docs = hub.state.git.commit('docs-0', { 'README.md': 'words' }, 'docs', 'main');
      for (let i = 1; i <= 4; i += 1) {
        hub.state.git.ref(`refs/heads/docs-${i}`, docs);
        stage.clock.advance(1_000);
        hub.state.open(`docs-${i}`, 'docs');
      }
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, oldest), /b42/);
      const lists = () =>
        stage.events.filter(e => e.type === 'ota.github' && e.action === 'pulls.list').length;
      const before = lists();
      await stage.later(MINUTE_MS);
      assert.is(lists() - before, 1);
      assert.equal(hub.violations, []);
    },
    { pullsPerPage: 2 },
  ));

test('a plan that was merged as it was reviewed is applied, however it was merged', async () => {
  for (const method of ['merge', 'squash', 'rebase', 'fast-forward'] as const)
    await withStage(
      async stage => {
        const { hub } = stage;
        const pull = stage.propose('wide', { rollout: 50, policy });
        await stage.later(MINUTE_MS);
        stage.clock.advance(MINUTE_MS);
        hub.state.review(pull, 'ruth');
        await stage.later(MINUTE_MS);
        hub.state.merge(pull, method);
        await stage.later(MINUTE_MS);
        assert.is(stage.reconcile.snapshot?.rollout.current, 'b42', method);
        assert.match(consoleOf(stage, pull), method === 'merge' ? /git revert -m 1 / : /git revert [0-9a-f]/);
        assert.equal(hub.violations, []);
      },
      { initial: INITIAL },
    );
});

test.run();
