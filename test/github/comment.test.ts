import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import type { GitHub } from '../../controller/github/client.ts';
import { makeComments, markerOf } from '../../controller/github/comment.ts';
import { makeClock, makeFacts, withGitHub } from '../support/github/client.ts';
import { type Hub, withHub } from '../support/github/hub.ts';

const place = { pull: 1, name: 'console' };
const clock = makeClock();

const withPull = (use: (hub: Hub, github: GitHub) => Promise<void>): Promise<void> =>
  withHub(
    async hub => {
      hub.state.git.commit('main', { 'README.md': 'fleet' }, 'begin');
      hub.state.propose('b42', { 'README.md': 'b42' }, 'Promote b42');
      await withGitHub(hub, github => use(hub, github));
      assert.equal(hub.violations, []);
    },
    { nowMs: clock.nowMs },
  );
const ours = (hub: Hub) => hub.state.commentsOn(1).filter(c => c.author === 'ota-bot');

test('one comment, edited in place', () =>
  withPull(async (hub, github) => {
    const comments = makeComments(github, makeFacts(clock.nowMs), clock.nowMs);
    const first = await comments.put(place, 'plan 1');
    const second = await comments.put(place, 'plan 2');
    assert.is(first.id, second.id);
    assert.equal(
      ours(hub).map(c => c.body),
      [`${markerOf('console')}\nplan 2`],
    );
  }));

test('nothing is sent when nothing changed, not even a read', () =>
  withPull(async (hub, github) => {
    const comments = makeComments(github, makeFacts(clock.nowMs), clock.nowMs);
    await comments.put(place, 'plan');
    const before = hub.requests.length;
    assert.is((await comments.put(place, 'plan')).written, false);
    assert.is(hub.requests.length, before);
  }));

test('facts lost: the comment is found by its marker and our login', () =>
  withPull(async (hub, github) => {
    await makeComments(github, makeFacts(clock.nowMs), clock.nowMs).put(place, 'plan');
    for (let n = 0; n < 120; n += 1)
      hub.state.comments.unshift({
        id: n,
        pull: 1,
        author: 'eve',
        body: `${markerOf('console')} mine!`,
        createdAtMs: 0,
        updatedAtMs: 0,
      });
    const again = await makeComments(github, makeFacts(clock.nowMs), clock.nowMs).put(place, 'plan');
    assert.is(again.written, false);
    assert.is(ours(hub).length, 1);
    assert.is(hub.state.commentsOn(1).length, 121, 'nobody else’s comment is touched');
  }));

test('a comment that was deleted is written again', () =>
  withPull(async (hub, github) => {
    const comments = makeComments(github, makeFacts(clock.nowMs), clock.nowMs);
    await comments.put(place, 'plan 1');
    hub.state.comments.splice(0);
    await comments.put(place, 'plan 2');
    assert.is(ours(hub).length, 1);
  }));

test('two comments that were written in a race become one', () =>
  withPull(async (hub, github) => {
    const one = makeComments(github, makeFacts(clock.nowMs), clock.nowMs);
    const two = makeComments(github, makeFacts(clock.nowMs), clock.nowMs);
    const both = await Promise.all([one.put(place, 'plan'), two.put(place, 'plan')]);
    assert.is(ours(hub).length, 1);
    for (const { id } of both) assert.ok(ours(hub).some(c => c.id === id) || both.some(b => b.id !== id));
    await one.put(place, 'plan 2');
    await two.put(place, 'plan 2');
    assert.equal(
      ours(hub).map(c => c.body),
      [`${markerOf('console')}\nplan 2`],
    );
  }));

test('a hundred retries under every fault end in one comment', () =>
  withPull(async (hub, github) => {
    const comments = makeComments(github, makeFacts(clock.nowMs), clock.nowMs);
    const kinds = ['lost', 'server', 'secondary', 'drop', 'invalid', 'rate', 'lost', 'lost'] as const;
    const codes = new Set<string>();
    for (let n = 0; n < 100; n += 1) {
      hub.heal();
      hub.fail({
        kind: kinds[n % kinds.length] ?? 'lost',
        operation: n % 3 === 0 ? 'issues/create-comment' : 'issues/list-comments',
        times: 2,
      });
      try {
        await comments.put(place, 'plan');
      } catch (error) {
        codes.add(faultCode(error));
        // as the outbox does: facts may be gone, the effect is tried again
      }
      if (n % 10 === 9)
        await makeComments(github, makeFacts(clock.nowMs), clock.nowMs)
          .put(place, 'plan')
          .catch(() => undefined);
    }
    hub.heal();
    await comments.put(place, 'plan');
    assert.is(ours(hub).length, 1);
    assert.ok(codes.size >= 3, [...codes].join());
  }));

test.run();
