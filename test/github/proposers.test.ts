/** Whose approval is their own: a person is known by the subject that the provider gave them, never by name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { isOwn, makeProposers, neededWith, type Proposer } from '../../controller/github/proposers.ts';
import { logins } from '../../controller/settings/spec.ts';
import { withPullRequests } from '../support/github/journey.ts';
import { visitor } from '../support/pages/visitor.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const SETTING = 'ann=Octo-Ann, person:auth0|7=octo-bob, person:YWJj===octo-cid';

/** Everybody presses at once. */
async function pressedBy(...actors: readonly string[]): Promise<readonly Proposer[]> {
  let found: readonly Proposer[] = [];
  await withStore(async ({ keyValues }) => {
    const proposers = makeProposers(keyValues, logins(SETTING) ?? new Map(), () => NOW_MS);
    await Promise.all(actors.map(actor => proposers.record('ota/promote-b42-1a2b3c4d', actor)));
    assert.equal(
      await proposers.of({ number: 7, branch: 'another' }),
      [],
      'another pull request is its author’s',
    );
    found = await proposers.of({ number: 7, branch: 'ota/promote-b42-1a2b3c4d' });
  });
  return found;
}

const loginsOf = async (...actors: readonly string[]): Promise<unknown> =>
  (await pressedBy(...actors)).map(({ login }) => login);

test('a person is mapped by subject', async () => {
  assert.equal(await loginsOf('person:auth0|7 (Bob)'), ['octo-bob']);
  assert.equal(await loginsOf('person:YWJj== (Cid)'), ['octo-cid']);
});

test('a person is mapped to a login only by subject, not by name', async () => {
  assert.equal(await loginsOf('person:eve (ann)'), [undefined]);
  assert.equal(await loginsOf('person:ann (Eve)'), [undefined]);
  assert.equal(await loginsOf('admin:ann'), ['Octo-Ann']);
});

test('GitHub’s logins are the same in any case', async () => {
  const proposers = await pressedBy('admin:ann');
  assert.ok(isOwn('octo-ann', proposers));
  assert.not.ok(isOwn('octo-bob', proposers));
});

test('people who press at the same time are all proposers, and pressing again changes nothing', async () => {
  const all = await pressedBy(
    'admin:ann',
    'person:auth0|7 (Bob)',
    'person:eve (Eve)',
    'person:auth0|7 (Robert)',
  );
  assert.equal(all.map(({ login }) => login ?? 'none').sort(), ['Octo-Ann', 'none', 'octo-bob']);
  assert.ok(isOwn('octo-ann', all) && isOwn('octo-bob', all), 'nobody’s second press frees the first');
});

test('a pull request that an earlier version opened keeps its proposers', () =>
  withStore(async ({ keyValues }) => {
    await keyValues.set('github:proposer:7', 'admin:ann');
    await keyValues.set('github:proposer:7:1', 'person:auth0|7 (Bob)');
    const proposers = makeProposers(keyValues, logins(SETTING) ?? new Map(), () => NOW_MS);
    const found = await proposers.of({ number: 7, branch: 'ota/promote-b42-1a2b3c4d' });
    assert.equal(
      found.map(({ login }) => login),
      ['Octo-Ann', 'octo-bob'],
    );
  }));

test('each proposer without a login needs one more approval', () => {
  const [known, unknown] = [
    { actor: 'person:bob (Bob)', login: 'octo-bob' },
    { actor: 'person:eve (Eve)', login: undefined },
  ];
  assert.is(neededWith(1, []), 1);
  assert.is(neededWith(1, [known]), 1);
  assert.is(neededWith(1, [known, unknown]), 2);
  assert.is(neededWith(1, [unknown, unknown]), 3);
  assert.is(neededWith(0, [unknown]), 0, 'where the policy asks for none');
});

test('a pull request whose proposer cannot be stored is not opened: their own approval would count', () =>
  withPullRequests(async ({ journey, hub }) => {
    const person = await visitor(journey);
    const plan = await person.get('/change/promote?build=b42&percent=10');
    const { keyValues } = journey.controller.store;
    const { claim } = keyValues;
    Object.assign(keyValues, {
      claim: () => Promise.reject(new Fault('store_unreachable', 'away', { retry: 'backoff' })),
    });
    const failed = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix' });
    assert.is(failed.status, 503, failed.text);
    assert.equal(hub.state.pulls, []);
    Object.assign(keyValues, { claim });
    const opened = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix' });
    assert.is(opened.status, 200, opened.text);
    assert.is(hub.state.pulls.length, 1);
  }));

test.run();
