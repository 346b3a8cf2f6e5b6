/** A breach stops the build at once; then the controller's own pull request says the same in YAML. Real Git, HTTP, store. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gated, withRamp } from '../support/github/brake-scene.ts';
import { MINUTE_MS } from '../support/github/journey.ts';
import { aPolicy } from '../support/state.ts';

test('a breach stops the build and opens one pull request; merged, then widened, it ends the halt', () =>
  withRamp(gated(), async scene => {
    const { hub, journey } = scene;
    const exposed = await scene.offered();
    await scene.breach();
    assert.equal([exposed > 2, await scene.offered()], [true, 0]);
    const [pull, ...others] = scene.brakes();
    assert.equal(others, []);
    if (pull === undefined) throw new Error('no pull request of the brake');
    assert.equal([pull.author, pull.title], ['ota-bot', 'stop b42: its gate was breached']);
    assert.equal(
      (await scene.halts()).map(h => [h.kind, h.declared, h.pull_request]),
      [['gate', false, `https://github.com/acme/fleet/pull/${pull.number}`]],
    );
    assert.equal(await scene.conditions(), ['ahead_of_git']);
    const proposed = hub.state.git.git('show', `${pull.headRef}:releases/rollout.yaml`);
    assert.match(proposed, /^rollout_percent: 0$/m);
    assert.not.match(proposed, /^ramp:/m);
    assert.match(proposed, /^reason: .*install_failures/m);
    for (const evidence of [
      /took the build \| 2 \| 0/,
      /failed installs \| 9\d(\.\d)? \| 20/,
      /`install_failed` \| 33 \| 41 \| 2/,
      /```mermaid[\s\S]*plotColorPalette/,
      /ota resume --reason/,
    ])
      assert.match(pull.body, evidence);

    // Nothing more is said while nothing more happens.
    const writes = hub.writes().length;
    for (let n = 0; n < 5; n += 1) await scene.pass(10 * MINUTE_MS);
    await journey.restart();
    await scene.settle();
    assert.is(scene.brakes().length, 1);
    const wrote = hub.writes().slice(writes);
    assert.equal(
      wrote.filter(r => /^(git|pulls)\//.test(r.operation)),
      [],
    );

    await scene.merge(pull.number);
    assert.equal(
      (await scene.halts()).map(h => h.declared),
      [true],
    );
    assert.equal(await scene.conditions(), []);
    assert.is(await scene.offered(), 0);
    await scene.merge(await scene.propose('widen', { exposure: { kind: 'percent', percent: 50 } }));
    assert.equal(await scene.halts(), []);
    assert.is(await scene.offered(), exposed);
    // The same gate over the same counts halts again: only a person says that they do not matter.
    await scene.merge(await scene.propose('again', gated()));
    await scene.settle();
    assert.equal(
      (await scene.halts()).map(h => h.kind),
      ['gate'],
    );
    assert.is(scene.brakes().length, 2, 'another halt, another pull request');
  }));

test('GitHub down at the breach: halted now, the pull request comes when it is back, also over a restart', () =>
  withRamp(gated(), async scene => {
    const { hub, journey } = scene;
    hub.fail({ kind: 'server' });
    await scene.breach();
    assert.is(await scene.offered(), 0);
    await scene.pass(10 * MINUTE_MS);
    assert.equal([scene.brakes(), await scene.conditions()], [[], ['ahead_of_git']]);
    await journey.restart();
    await scene.pass(10 * MINUTE_MS);
    hub.heal();
    // Each step's answer is lost once: what it did must not be done twice.
    for (const operation of ['git/create-tree', 'git/create-ref', 'pulls/create'])
      hub.fail({ kind: 'lost', operation, times: 1 });
    for (let n = 0; n < 5; n += 1) await scene.pass(10 * MINUTE_MS);
    assert.is(scene.brakes().length, 1);
    assert.is(scene.brakes()[0]?.state, 'open');
  }));

test('ota resume closes the pull request of the brake and says why', () =>
  withRamp(gated(), async scene => {
    const exposed = await scene.offered();
    await scene.breach();
    const [pull] = scene.brakes();
    assert.is(pull?.state, 'open');
    await scene.journey.admin('POST', '/v1/resume', { json: { reason: 'two broken tablets' } });
    await scene.settle();
    assert.is(pull?.state, 'closed');
    const said = scene.hub.state.commentsOn(pull?.number ?? 0).map(c => c.body);
    assert.ok(said.some(text => text.includes('two broken tablets')));
    assert.is(await scene.offered(), exposed);
  }));

test('rollout.yaml that is narrowed by somebody else in the meantime needs no pull request, or not any more', () =>
  withRamp(gated(), async scene => {
    const { hub } = scene;
    hub.fail({ kind: 'server' });
    await scene.breach();
    hub.heal();
    const byHand = await scene.propose('by-hand', { exposure: { kind: 'percent', percent: 0 } });
    const [pull] = scene.brakes();
    assert.ok(pull === undefined || pull.state === 'open');
    await scene.merge(byHand);
    await scene.pass(10 * MINUTE_MS);
    assert.equal(
      scene.brakes().filter(p => p.state === 'open'),
      [],
    );
  }));

test('an edit of rollout.yaml below an open pull request of the brake moves it along, so that it still merges', () =>
  withRamp(gated(), async scene => {
    const { hub } = scene;
    await scene.breach();
    const [pull] = scene.brakes();
    if (pull === undefined) throw new Error('no pull request of the brake');
    await scene.merge(await scene.propose('edit', { ...gated(), minBatteryPercent: 55, reason: 'a remark' }));
    await scene.settle();
    assert.is(scene.brakes().length, 1);
    assert.match(
      hub.state.git.git('show', `${pull.headRef}:releases/rollout.yaml`),
      /min_battery_percent: 55/,
    );
    await scene.merge(pull.number);
    assert.match(scene.yaml(), /min_battery_percent: 55/);
    assert.match(scene.yaml(), /^rollout_percent: 0$/m);
  }));

test('on_breach: rollback proposes rollback: true', () =>
  withRamp(gated({ onBreach: 'rollback' }), async scene => {
    await scene.breach();
    const [pull] = scene.brakes();
    if (pull === undefined) throw new Error('no pull request of the brake');
    assert.is(pull.title, 'roll back b42: its gate was breached');
    const proposed = scene.hub.state.git.git('show', `${pull.headRef}:releases/rollout.yaml`);
    assert.match(proposed, /^rollback: true$/m);
    assert.match(proposed, /^ramp:/m);
    await scene.merge(pull.number);
    assert.equal(await scene.conditions(), []);
  }));

test('a hand brake proposes 0 %; with canaries it stands until a commit widens again', () =>
  withRamp(
    {
      exposure: { kind: 'percent', percent: 50 },
      canary: { tags: [], devices: ['kiosk-1'], cohorts: [] },
    },
    async scene => {
      await scene.journey.admin('POST', '/v1/brake', { json: { reason: 'reboots in the lobby' } });
      await scene.settle();
      const [pull] = scene.brakes();
      if (pull === undefined) throw new Error('no pull request of the brake');
      assert.is(pull.title, 'stop b42: the brake was pressed');
      assert.match(pull.body, /reboots in the lobby/);
      await scene.merge(pull.number);
      assert.equal(
        (await scene.halts()).map(h => [h.kind, h.declared]),
        [['hand', true]],
      );
      assert.is(await scene.offered(), 0, 'the canary is not offered it by the merge');
      await scene.merge(
        await scene.propose('widen', {
          exposure: { kind: 'percent', percent: 50 },
          canary: { tags: [], devices: ['kiosk-1'], cohorts: [] },
        }),
      );
      assert.equal(await scene.halts(), []);
    },
  ));

test('halted: neither a README, nor an edit of the gate, nor a percent that was reviewed before lifts it', () =>
  withRamp(gated(), async scene => {
    const { hub, journey } = scene;
    const wide = await scene.propose('wide', { exposure: { kind: 'percent', percent: 50 } });
    await scene.breach();
    hub.state.git.commit('main', { 'README.md': 'the fleet, again' }, 'words');
    await journey.controller.reconcile.run();
    assert.is(await scene.offered(), 0);
    for (const next of [wide, undefined]) {
      const pull = next ?? (await scene.propose('edit', gated({ installFailRatioMax: 0.1 })));
      const revision = await scene.merge(pull);
      assert.is(journey.controller.reconcile.snapshot?.revision, revision);
      assert.equal(
        (await scene.halts()).map(h => [h.kind, h.declared]),
        [['gate', false]],
      );
      assert.is(await scene.offered(), 0);
      assert.equal(await scene.conditions(), ['ahead_of_git']);
    }
  }));

test('halted, rolled back, and the rollback reverted: last_safe to all, then step 1, halted on the old counts', () =>
  withRamp(gated(), async scene => {
    await scene.breach();
    await scene.merge(await scene.propose('back', { ...gated(), rollback: true }));
    const [device] = scene.devices;
    const fresh = await scene.check(device, 0);
    assert.equal([fresh.json.build_id, fresh.json.eligible_by], ['b41', 'rollback']);
    await scene.merge(await scene.propose('revert', gated()));
    await scene.settle();
    assert.is(await scene.offered(), 0);
    assert.equal(
      (await scene.halts()).map(h => [h.kind, h.declared]),
      [['gate', false]],
    );
    await scene.journey.admin('POST', '/v1/resume', { json: { reason: 'two broken tablets' } });
    await scene.settle();
    assert.ok((await scene.offered()) > 0, 'unless resumed');
    const { ramp } = (await scene.journey.admin('GET', '/v1/rollout')).json.exposure;
    assert.is(ramp.step, 1);
  }));

test('a merge queue that widens while the verdict turns: plan_not_approved', () => {
  const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 1 }] });
  return withRamp(
    { exposure: { kind: 'percent', percent: 10 } },
    async scene => {
      const { hub, journey } = scene;
      const wide = await scene.propose('wide', 50, { policy });
      await scene.pass(MINUTE_MS);
      hub.state.review(wide, 'ruth');
      await scene.pass(MINUTE_MS);
      const { commit } = hub.state.enqueue(wide);
      await scene.pass(MINUTE_MS);
      assert.match(scene.statuses(commit, 'ota/policy').at(-1) ?? '', /^success/);
      await journey.admin('POST', '/v1/brake', { json: { reason: 'reboots' } });
      hub.state.mergeGroup();
      await scene.deliver('push');
      await journey.controller.reconcile.run();
      await scene.settle();
      const { problems, appliedRevision } = journey.controller.reconcile.status();
      assert.equal(
        problems.filter(p => p.severity === 'error').map(p => p.code),
        ['plan_not_approved'],
      );
      assert.is.not(appliedRevision, commit);
      assert.is(await scene.offered(), 0);
    },
    { policy },
  );
});

test.run();
