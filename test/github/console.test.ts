import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { markerOf } from '../../controller/github/comment.ts';
import { tell } from '../../controller/github/ledger.ts';
import { MINUTE_MS, type Stage, withStage } from '../support/github/stage.ts';

const exposed = (percent: number, devices: number): string[] =>
  Array.from({ length: devices }, (_, i) => `kiosk-${i}`).filter(id => bucketOf(id, '') < percent * 100);

const consoleOf = (stage: Stage, pull: number): string => {
  const found = stage.comments(pull).filter(text => text.startsWith(markerOf('console')));
  assert.is(found.length, 1, `one console comment on #${pull}`);
  return found[0] ?? '';
};
const noticesOn = (stage: Stage, pull: number): string[] =>
  stage.comments(pull).filter(text => text.startsWith('<!-- nexmdm-ota:notice'));

test('open → plan comment → merge → statuses → adoption → completed', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const pull = stage.propose('b42', { rollout: 10 }, 'Promote b42 to 10 %');
      const head = hub.state.git.tip('b42') ?? '';
      await stage.later(MINUTE_MS);
      const plan = consoleOf(stage, pull);
      assert.match(plan, /100 enrolled devices/);
      assert.match(plan, head.slice(0, 12));
      assert.equal(stage.statuses(head, 'ota/validate'), ['success valid']);
      assert.match(stage.statuses(head, 'ota/plan').join(), /^success b42 · 0 % → 10 %/);
      assert.match(stage.statuses(head, 'ota/policy').join(), /^success within the policy/);

      const merge = hub.state.merge(pull);
      await stage.later(MINUTE_MS);
      assert.match(stage.statuses(merge, 'ota/sync').join(), /^success applied/);
      const mine = exposed(10, 100);
      assert.equal(stage.statuses(merge, 'ota/rollout'), [
        `pending 10 % · 0/${mine.length} installed · 0 % failed`,
      ]);
      assert.match(consoleOf(stage, pull), /🔵 rolling out · 10 %/);

      for (const id of mine) stage.checkIn(id, 42);
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, pull), /🟢 completed/);
      assert.equal(noticesOn(stage, pull).length, 1);
      const writes = hub.writes().length;
      await stage.store.outbox.add([tell(merge)]);
      await stage.later(MINUTE_MS);
      assert.is(hub.writes().length, writes, 'told again, nothing is sent');
      assert.equal(stage.statuses(merge, 'ota/rollout'), [
        `pending 10 % · 0/${mine.length} installed · 0 % failed`,
        `success completed · 10 % · ${mine.length}/${mine.length} installed · 0 % failed`,
      ]);
      assert.equal(
        hub.state.deployments.at(-1)?.statuses.map(s => s.state),
        ['in_progress', 'success'],
      );
      assert.equal(hub.violations, []);
    },
    { devices: 100 },
  ));

test('a squashed merge is undone without -m', () =>
  withStage(async stage => {
    const squashed = stage.propose('b42', { rollout: 10 });
    const revision = stage.hub.state.merge(squashed, 'squash');
    await stage.later(MINUTE_MS);
    assert.match(consoleOf(stage, squashed), `\`git revert ${revision}\``);
    assert.not.match(consoleOf(stage, squashed), 'revert -m');
    const merged = stage.propose('wider', { rollout: 50 });
    const merge = stage.hub.state.merge(merged);
    await stage.later(MINUTE_MS);
    assert.match(consoleOf(stage, merged), `\`git revert -m 1 ${merge}\``);
    assert.equal(stage.hub.violations, []);
  }));

test('zero writes while idle', () =>
  withStage(
    async stage => {
      const pull = stage.propose('b42', { rollout: 10 });
      await stage.later(MINUTE_MS);
      stage.hub.state.merge(pull);
      stage.propose('b43', { rollout: 50 });
      await stage.later(MINUTE_MS);
      const before = stage.hub.writes().length;
      for (let hour = 0; hour < 12; hour += 1) await stage.later(HOUR_MS);
      assert.is(stage.hub.writes().length, before);
    },
    { devices: 50 },
  ));

test('a revert ends the rollout, is reported once on the reverted pull request, and has its own report', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const promote = stage.propose('b42', { rollout: 100 });
      const promoted = hub.state.merge(promote);
      await stage.settle();
      for (let i = 0; i < 10; i += 1) stage.checkIn(`kiosk-${i}`, 42);
      await stage.later(MINUTE_MS);
      const revert = stage.propose('back', {
        rollout: { rollback: true, exposure: { kind: 'percent', percent: 100 } },
      });
      const reverted = hub.state.merge(revert);
      await stage.later(MINUTE_MS);
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, promote), /🔴 reverted/);
      assert.is(noticesOn(stage, promote).length, 1);
      const last = stage.statuses(promoted, 'ota/rollout').at(-1) ?? '';
      assert.match(last, new RegExp(`^failure reverted by ${reverted.slice(0, 12)}`));
      assert.match(consoleOf(stage, revert), /Back to `b41`/);
      assert.match(consoleOf(stage, revert), /staying on a newer version \| 10/);
      assert.is(stage.statuses(promoted, 'ota/rollout').filter(s => !s.startsWith('pending')).length, 1);
      assert.equal(hub.violations, []);
    },
    { devices: 40 },
  ));

test('a completed rollout that is reverted later keeps its final status, and the revert is reported', () =>
  withStage(
    async stage => {
      const promote = stage.propose('b42', { rollout: 100 });
      const promoted = stage.hub.state.merge(promote);
      await stage.settle();
      for (let i = 0; i < 20; i += 1) stage.checkIn(`kiosk-${i}`, 42);
      await stage.later(MINUTE_MS);
      const revert = stage.propose('back', { rollout: { rollback: true } });
      stage.hub.state.merge(revert);
      await stage.later(MINUTE_MS);
      assert.is(noticesOn(stage, promote).length, 2, 'completed, and reverted');
      assert.match(consoleOf(stage, promote), /🔴 reverted/);
      const final = stage.statuses(promoted, 'ota/rollout').filter(s => !s.startsWith('pending'));
      assert.is(final.length, 1);
      assert.match(final[0] ?? '', /^success completed/);
    },
    { devices: 20 },
  ));

test('every revision ends in exactly one final status: applied, superseded before it was read, or rejected', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const one = stage.propose('one', { rollout: 1 });
      const first = hub.state.merge(one);
      await stage.settle();
      // Two merges between two looks: the first of them is never read.
      const two = stage.propose('two', { rollout: 5 });
      const second = hub.state.merge(two);
      const three = stage.propose('three', { rollout: 10 });
      const third = hub.state.merge(three);
      await stage.later(MINUTE_MS);
      hub.state.git.commit(
        'bad',
        { 'releases/rollout.yaml': 'apiVersion: ota.nexmdm/v1\nkind: Rollout\ncurrent: nope\n' },
        'bad',
        'main',
      );
      const four = hub.state.open('bad', 'Break it').number;
      const fourth = hub.state.merge(four);
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, four), /Not applied · 🔴 rejected/);
      assert.match(stage.statuses(fourth, 'ota/sync').join(), /^failure not applied/);
      assert.equal(stage.statuses(fourth, 'ota/rollout'), [], 'its end is open');
      const five = stage.propose('five', { rollout: 25 });
      const fifth = hub.state.merge(five);
      await stage.later(MINUTE_MS);
      await stage.later(MINUTE_MS);

      const final = (sha: string) => stage.statuses(sha, 'ota/rollout').filter(s => !s.startsWith('pending'));
      assert.match(final(first).join('|'), new RegExp(`^success superseded by ${third.slice(0, 12)}[^|]*$`));
      assert.match(
        final(second).join('|'),
        new RegExp(`^error never applied · superseded by ${third.slice(0, 12)}$`),
      );
      assert.match(final(third).join('|'), new RegExp(`^success superseded by ${fifth.slice(0, 12)}[^|]*$`));
      assert.match(
        final(fourth).join('|'),
        new RegExp(`^error never applied · superseded by ${fifth.slice(0, 12)}$`),
      );
      assert.equal(final(fifth), []);
      assert.match(stage.statuses(second, 'ota/sync').join(), /^error not applied/);
      assert.match(consoleOf(stage, two), /⚫ superseded/);
      assert.equal(hub.violations, []);
    },
    { devices: 30 },
  ));

test('GitHub is down in the middle: nothing is lost and nothing is posted twice', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const one = stage.propose('one', { rollout: 10 });
      await stage.later(MINUTE_MS);
      const first = hub.state.merge(one);
      await stage.reconcile.run();
      hub.fail({ kind: 'server' });
      await stage.later(MINUTE_MS);
      assert.is(stage.reconcile.snapshot?.revision, first, 'checks go on from the picture');
      const mine = exposed(10, 100);
      for (const id of mine) stage.checkIn(id, 42);
      for (let n = 0; n < 30; n += 1) await stage.later(10 * MINUTE_MS);
      hub.heal();
      for (let n = 0; n < 3; n += 1) await stage.later(10 * MINUTE_MS);
      assert.match(consoleOf(stage, one), /🟢 completed/);
      assert.is(noticesOn(stage, one).length, 1);
      const final = stage.statuses(first, 'ota/rollout').filter(s => !s.startsWith('pending'));
      assert.is(final.length, 1);
      assert.match(stage.statuses(first, 'ota/sync').join('|'), /^success[^|]*$/);
      assert.is(hub.state.deployments.filter(d => d.sha === first).length, 1);
    },
    { devices: 100 },
  ));

test('suspended and resumed by time: one notice', () =>
  withStage(
    async stage => {
      const nowMs = stage.clock.nowMs();
      const suspend = {
        reason: 'crash <script>@everyone</script>',
        sinceMs: nowMs - HOUR_MS,
        untilMs: nowMs + HOUR_MS,
      };
      const pull = stage.propose('pause', { rollout: { suspend } });
      stage.hub.state.merge(pull);
      await stage.later(MINUTE_MS);
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, pull), /🟡 suspended/);
      assert.is(noticesOn(stage, pull).length, 1);
      await stage.later(2 * HOUR_MS);
      assert.match(consoleOf(stage, pull), /🔵 rolling out/);
      assert.is(noticesOn(stage, pull).length, 1);
    },
    { devices: 20 },
  ));

test('a merge that changes no offer leaves the rollout before it in force', () =>
  withStage(
    async stage => {
      const one = stage.propose('one', { rollout: 10 });
      stage.hub.state.merge(one);
      await stage.settle();
      const state = stage.files({ rollout: { reason: 'said later' } });
      stage.hub.state.git.commit('words', state, 'words', 'main');
      const two = stage.hub.state.open('words', 'words').number;
      const inert = stage.hub.state.merge(two);
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, one), /🔵 rolling out/);
      assert.match(consoleOf(stage, two), /No offer changes · 🟢 completed/);
      assert.equal(stage.statuses(inert, 'ota/rollout'), ['success applied · offers are unchanged']);
      assert.is(noticesOn(stage, two).length, 0);
    },
    { devices: 20 },
  ));

test.run();
