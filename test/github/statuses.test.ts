import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GitHub } from '../../controller/github/client.ts';
import { makeDeployments } from '../../controller/github/deployments.ts';
import { type CommitStatus, clip, makeStatuses } from '../../controller/github/statuses.ts';
import type { KeyValueStore } from '../../controller/ports/index.ts';
import { makeClock, makeFacts, withGitHub } from '../support/github/client.ts';
import { type Hub, withHub } from '../support/github/hub.ts';

const clock = makeClock();
const withCommit = (
  use: (hub: Hub, github: GitHub, facts: KeyValueStore, sha: string) => Promise<void>,
): Promise<void> =>
  withHub(
    async hub => {
      const sha = hub.state.git.commit('main', { 'README.md': 'fleet' }, 'begin');
      await withGitHub(hub, github => use(hub, github, makeFacts(clock.nowMs), sha));
      assert.equal(hub.violations, []);
    },
    { nowMs: clock.nowMs },
  );
const rollout = (sha: string, description = '10 % · 118/121 installed · 0.8 % failed'): CommitStatus => ({
  sha,
  context: 'ota/rollout',
  state: 'pending',
  description,
});

test('a status is written on transitions only', () =>
  withCommit(async (hub, github, facts, sha) => {
    const statuses = makeStatuses(github, facts, clock.nowMs);
    assert.is(await statuses.post(rollout(sha)), true);
    assert.is(await statuses.post(rollout(sha)), false);
    assert.is(await statuses.post({ ...rollout(sha), state: 'success' }), true);
    assert.equal(
      hub.state.statusesOf(sha).map(s => s.state),
      ['success', 'pending'],
    );
    assert.is(hub.requests.length, 2, 'and no read is spent on it');
  }));

test('a status whose answer was lost is not written twice', () =>
  withCommit(async (hub, github, facts, sha) => {
    const statuses = makeStatuses(github, facts, clock.nowMs);
    hub.fail({ kind: 'lost', operation: 'repos/create-commit-status', times: 1 });
    await statuses.post(rollout(sha)).then(
      () => assert.unreachable(),
      () => undefined,
    );
    assert.is(await statuses.post(rollout(sha)), false);
    assert.is(hub.state.statusesOf(sha).length, 1);
  }));

test('a status that never arrived is written on the next try', () =>
  withCommit(async (hub, github, facts, sha) => {
    const statuses = makeStatuses(github, facts, clock.nowMs);
    hub.fail({ kind: 'secondary', times: 1 });
    await statuses.post(rollout(sha)).catch(() => undefined);
    assert.is(await statuses.post(rollout(sha)), true);
    assert.is(hub.state.statusesOf(sha).length, 1);
  }));

test('descriptions are one line of at most 140 characters', () =>
  withCommit(async (hub, github, facts, sha) => {
    await makeStatuses(github, facts, clock.nowMs).post(rollout(sha, `a\n${'😀'.repeat(100)}`));
    const [status] = hub.state.statusesOf(sha);
    assert.ok((status?.description.length ?? 999) <= 140);
    assert.not.match(status?.description ?? '\n', /\n|[\uD800-\uDBFF]…/);
    assert.is(clip('short'), 'short');
  }));

test('a deployment mirrors the rollout: environment fleet, no auto merge, no required contexts', () =>
  withCommit(async (hub, github, facts, sha) => {
    const deployments = makeDeployments(github, facts, clock.nowMs);
    await deployments.put(sha, 'b42', 'in_progress', '10 %');
    assert.is(await deployments.put(sha, 'b42', 'in_progress', '11 %'), false);
    await deployments.put(sha, 'b42', 'success', 'completed');
    assert.is(hub.state.deployments.length, 1);
    assert.is(hub.state.deployments[0]?.environment, 'fleet');
    assert.equal(
      hub.state.deployments[0]?.statuses.map(s => s.state),
      ['in_progress', 'success'],
    );
  }));

test('a deployment whose answers were lost exists once, each state once', () =>
  withCommit(async (hub, github, facts, sha) => {
    const deployments = makeDeployments(github, facts, clock.nowMs);
    const put = () => deployments.put(sha, 'b42', 'in_progress', '10 %').catch(() => undefined);
    hub.fail({ kind: 'lost', operation: 'repos/create-deployment', times: 1 });
    await put();
    hub.fail({ kind: 'lost', operation: 'repos/create-deployment-status', times: 1 });
    await put();
    await put();
    await put();
    assert.is(hub.state.deployments.length, 1);
    assert.is(hub.state.deployments[0]?.statuses.length, 1);
  }));

test.run();
