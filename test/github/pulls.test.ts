import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { markerOf } from '../../controller/github/comment.ts';
import { shownProblem } from '../../controller/github/shown-problem.ts';
import { MINUTE_MS, type Stage, withStage } from '../support/github/stage.ts';

const consoleOf = (stage: Stage, pull: number): string => {
  const found = stage.comments(pull).filter(text => text.startsWith(markerOf('console')));
  assert.is(found.length, 1, `one console comment on #${pull}`);
  return found[0] ?? '';
};
test('two pull requests in flight: a merge of one gives the other a new plan on the merged result', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const one = stage.propose('one', { rollout: 10 });
      const two = stage.propose('two', {
        rollout: {
          current: 'b41',
          lastSafe: undefined,
          exposure: { kind: 'percent', percent: 100 },
          minBatteryPercent: 50,
        },
      });
      await stage.later(MINUTE_MS);
      const before = consoleOf(stage, two);
      assert.match(before, /min_battery_percent/);
      assert.not.match(before, /b42/);
      hub.state.merge(one);
      await stage.later(MINUTE_MS);
      const after = consoleOf(stage, two);
      assert.is.not(after, before);
      assert.not.match(after, /`b42`.*`b41`/, 'the merge of the other is not shown as taken back');
      hub.state.merge(two);
      await stage.later(MINUTE_MS);
      assert.is(stage.reconcile.snapshot?.rollout.current, 'b42');
      assert.is(stage.reconcile.snapshot?.rollout.minBatteryPercent, 50);
      assert.equal(hub.violations, []);
    },
    { devices: 10 },
  ));

test('a pull request that conflicts, one without common history, one that is invalid and one that leaves the desired state alone say so', () =>
  withStage(async stage => {
    const { hub } = stage;
    const base = hub.state.git.tip('main') ?? '';
    hub.state.git.commit('clash', stage.files({ rollout: 50 }), 'clash', base);
    hub.state.git.commit('docs', { 'README.md': 'words' }, 'docs', base);
    hub.state.git.commit('broken', { 'releases/rollout.yaml': 'current: [\n' }, 'broken', base);
    hub.state.git.commit('stranger', stage.files({ rollout: 50 }), 'begins from nothing');
    const merged = stage.propose('b42', { rollout: 10 });
    hub.state.merge(merged);
    const [clash, docs, broken, stranger] = ['clash', 'docs', 'broken', 'stranger'].map(
      b => hub.state.open(b, b).number,
    );
    await stage.later(MINUTE_MS);
    assert.match(consoleOf(stage, clash ?? 0), /conflicts with what is merged/);
    assert.match(consoleOf(stage, stranger ?? 0), /no common history with the base branch/);
    assert.equal(stage.statuses(hub.state.git.tip('stranger') ?? '', 'ota/plan'), [
      'failure has no common history with main',
    ]);
    assert.equal(stage.comments(docs ?? 0), []);
    assert.equal(stage.statuses(hub.state.git.tip('docs') ?? '', 'ota/plan'), [
      'success the desired state is unchanged',
    ]);
    assert.match(
      stage.statuses(hub.state.git.tip('broken') ?? '', 'ota/validate').join() +
        consoleOf(stage, broken ?? 0),
      /failure|conflict/,
    );
    assert.equal(hub.violations, []);
  }));

test('a pull request on a base that was rejected says so at its top, and no longer once that is mended', () =>
  withStage(async stage => {
    const { hub } = stage;
    hub.state.merge(stage.propose('b42', { rollout: 10 }));
    await stage.later(MINUTE_MS);
    const open = stage.propose('wider', { rollout: 50 });
    await stage.later(MINUTE_MS);
    const before = consoleOf(stage, open);
    assert.not.match(before, 'base branch is refused');
    const good = hub.state.git.tip('main') ?? '';
    const bad = hub.state.git.commit('main', { 'releases/builds/b41.yaml': 'kind: nonsense\n' }, 'bad', good);
    await stage.later(MINUTE_MS);
    const refused = consoleOf(stage, open).replace(`${markerOf('console')}\n`, '');
    assert.match(
      refused,
      new RegExp(`^> \\[!WARNING\\]\n> \\*\\*The base branch is refused\\*\\* at ${bad.slice(0, 12)}: `),
    );
    assert.match(refused, /^> .*`builds\/b41\.yaml:1`/m);
    assert.match(
      refused,
      new RegExp(
        `^> Until that is fixed, ${stage.reconcile.snapshot?.revision.slice(0, 12)} stays in force`,
        'm',
      ),
    );
    hub.state.git.commit('main', stage.files({ rollout: 10 }), 'mended', bad);
    await stage.later(MINUTE_MS);
    const footer = /<sub>head .*<\/sub>/;
    assert.is(consoleOf(stage, open).replace(footer, ''), before.replace(footer, ''));
    assert.equal(hub.violations, []);
  }));

test('a pull request made to keep the parser busy ends in a clear problem', () =>
  withStage(
    async stage => {
      const { hub } = stage;
      const cohort = { 'releases/cohorts/c1.yaml': '"'.repeat(200_000) };
      const head = hub.state.git.commit(
        'busy',
        { ...stage.files({ rollout: 10 }), ...cohort },
        'busy',
        'main',
      );
      const { number } = hub.state.open('busy', 'busy');
      await stage.later(MINUTE_MS);
      assert.match(
        stage.statuses(head, 'ota/validate').join('\n'),
        /^failure 1 problem: too_complex · [^\n]+$/,
      );
      assert.match(consoleOf(stage, number), /No plan[\s\S]*too_complex/);
      assert.equal(hub.violations, []);
    },
    { parser: { limitMs: 50 } },
  ));

test('a problem that could quote a device id is shown by its place alone', () => {
  const problem = {
    severity: 'error',
    code: 'invalid_value',
    line: 3,
    column: 5,
    message: '"kiosk-4 !" is no device id',
    hint: 'like kiosk-4',
  } as const;
  const places = [
    ['rollout.yaml', 'canary.devices[1]', 'invalid_value'],
    ['cohorts/lab.yaml', 'devices[0]', 'invalid_value'],
    ['rollout.yaml', '', 'yaml_syntax'],
  ] as const;
  for (const [file, at, code] of places)
    assert.not.match(JSON.stringify(shownProblem({ ...problem, file, path: at, code })), /kiosk/);
  assert.match(JSON.stringify(shownProblem({ ...problem, file: 'rollout.yaml', path: 'current' })), /kiosk/);
});

test('device ids never appear on GitHub', () =>
  withStage(
    async stage => {
      const canary = { tags: [], devices: ['kiosk-3', 'kiosk-4'], cohorts: [] };
      const pull = stage.propose('b42', { rollout: { canary } });
      await stage.later(MINUTE_MS);
      const broken = stage.files({ rollout: { canary } });
      const text = (broken['releases/rollout.yaml'] ?? '').replace('- kiosk-4', '- "kiosk-4 !"');
      stage.hub.state.git.commit('typo', { ...broken, 'releases/rollout.yaml': text }, 'typo', 'main');
      const typo = stage.hub.state.open('typo', 'typo').number;
      stage.hub.state.merge(pull);
      await stage.later(MINUTE_MS);
      assert.match(consoleOf(stage, typo), /No plan/);
      const sent = JSON.stringify(stage.hub.requests.map(r => r.body));
      assert.not.match(sent, /kiosk-/);
    },
    { devices: 10 },
  ));

test.run();
