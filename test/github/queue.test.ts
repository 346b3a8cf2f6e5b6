/** The merge queue: what would be merged as one group is judged as a whole, as reconcile judges it afterwards. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MINUTE_MS, type Stage, withStage } from '../support/github/stage.ts';
import { aPolicy, type StateParts } from '../support/state.ts';

const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 1 }] });
const everybody = { kind: 'percent', percent: 100 } as const;
const b41 = { current: 'b41', lastSafe: undefined, exposure: everybody };
const INITIAL: StateParts = { rollout: b41, policy };

const verdict = (stage: Stage, sha: string): Record<'validate' | 'plan' | 'policy', string> => {
  const last = (context: string) => stage.statuses(sha, context).at(-1) ?? '';
  return { validate: last('ota/validate'), plan: last('ota/plan'), policy: last('ota/policy') };
};
const isGreen = (stage: Stage, sha: string): boolean =>
  Object.values(verdict(stage, sha)).every(text => text.startsWith('success'));

const docs = (stage: Stage, branch: string): number => {
  stage.hub.state.git.commit(branch, { [`${branch}.md`]: 'words' }, branch, 'main');
  return stage.hub.state.open(branch, branch).number;
};

test('a change in the merge queue is judged before the merge, and the same way afterwards', async () => {
  const cases: readonly { name: string; parts: StateParts; review: boolean; green: boolean }[] = [
    { name: 'within the policy', parts: { rollout: 10, policy }, review: false, green: true },
    { name: 'approved', parts: { rollout: 50, policy }, review: true, green: true },
    { name: 'not approved', parts: { rollout: 50, policy }, review: false, green: false },
    { name: 'invalid', parts: { rollout: { current: 'b43' }, policy }, review: false, green: false },
  ];
  for (const { name, parts, review, green } of cases)
    await withStage(
      async stage => {
        const { hub } = stage;
        const pull = stage.propose('change', parts);
        await stage.later(MINUTE_MS);
        stage.clock.advance(MINUTE_MS);
        if (review) hub.state.review(pull, 'ruth');
        await stage.later(MINUTE_MS);
        const { commit } = hub.state.enqueue(pull);
        await stage.later(MINUTE_MS);
        assert.is(isGreen(stage, commit), green, `${name}: ${JSON.stringify(verdict(stage, commit))}`);
        assert.is(hub.state.mergeGroup(), commit);
        await stage.later(MINUTE_MS);
        assert.is(stage.reconcile.snapshot?.rollout.current, green ? 'b42' : 'b41', name);
        assert.equal(hub.violations, []);
      },
      { initial: INITIAL },
    );
});

test('two changes of the desired state in one group are red; a change of words beside one is not', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const words = docs(stage, 'words');
      const one = stage.propose('one', { rollout: 10, policy });
      const more = docs(stage, 'more');
      const two = stage.propose('two', {
        rollout: { ...b41, minBatteryPercent: 50 },
        policy,
      });
      const [first, second, third, fourth] = [words, one, more, two].map(
        pull => hub.state.enqueue(pull).commit,
      );
      await stage.later(MINUTE_MS);
      assert.is(verdict(stage, first ?? '').plan, 'success the desired state is unchanged');
      assert.match(verdict(stage, second ?? '').plan, /^success b42 · 0 % → 10 % · plan /);
      assert.equal(
        verdict(stage, third ?? ''),
        verdict(stage, second ?? ''),
        'it would merge the change before it',
      );
      const red = `failure queue them one at a time: #${one} and #${two} both change the desired state`;
      assert.equal(verdict(stage, fourth ?? ''), { validate: red, plan: red, policy: red });
      hub.state.mergeGroup(3);
      await stage.later(MINUTE_MS);
      assert.is(stage.reconcile.snapshot?.rollout.current, 'b42');
      assert.equal(hub.violations, []);
    },
    { initial: INITIAL },
  ));

test('an approval that comes while it waits turns it green; nothing is sent twice', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const pull = stage.propose('wide', { rollout: 50, policy });
      await stage.later(MINUTE_MS);
      const { commit } = hub.state.enqueue(pull);
      await stage.later(MINUTE_MS);
      assert.match(verdict(stage, commit).policy, /^pending 0 of 1 approvals/);
      hub.state.review(pull, 'ruth');
      await stage.later(MINUTE_MS);
      await stage.later(MINUTE_MS);
      assert.ok(isGreen(stage, commit));
      assert.is(stage.statuses(commit, 'ota/policy').length, 2);
      assert.is(stage.statuses(commit, 'ota/plan').length, 1);
    },
    { initial: INITIAL },
  ));

test.run();
