/** Whose approval is their own: a person is known by the subject that the provider gave them, never by name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isOwn, makeProposers, neededWith, type Proposer } from '../../controller/github/proposers.ts';
import { logins } from '../../controller/settings/spec.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const SETTING = 'ann=Octo-Ann, person:auth0|7=octo-bob, person:YWJj===octo-cid';

/** Everybody presses at once. */
async function pressedBy(...actors: readonly string[]): Promise<readonly Proposer[]> {
  let found: readonly Proposer[] = [];
  await withStore(async ({ keyValues }) => {
    const proposers = makeProposers(keyValues, logins(SETTING) ?? new Map(), () => NOW_MS);
    await Promise.all(actors.map(actor => proposers.record(7, actor)));
    assert.equal(await proposers.of(8), [], 'another pull request is its author’s');
    found = await proposers.of(7);
  });
  return found;
}

const loginsOf = async (...actors: readonly string[]): Promise<unknown> =>
  (await pressedBy(...actors)).map(({ login }) => login);

test('a person is mapped by subject', async () => {
  assert.equal(await loginsOf('person:auth0|7 (Bob)'), ['octo-bob']);
  assert.equal(await loginsOf('person:YWJj== (Cid)'), ['octo-cid']);
});

test('neither a name nor a subject makes a person into an operator whose login is known', async () => {
  assert.equal(await loginsOf('person:eve (ann)'), [undefined]);
  assert.equal(await loginsOf('person:ann (Eve)'), [undefined]);
  assert.equal(await loginsOf('admin:ann'), ['Octo-Ann']);
});

test('GitHub’s logins are the same in any case', async () => {
  const proposers = await pressedBy('admin:ann');
  assert.ok(isOwn('octo-ann', proposers));
  assert.not.ok(isOwn('octo-bob', proposers));
});

test('of several who press at once each is a proposer, and whoever presses again is one still', async () => {
  const all = await pressedBy(
    'admin:ann',
    'person:auth0|7 (Bob)',
    'person:eve (Eve)',
    'person:auth0|7 (Robert)',
  );
  assert.equal(all.map(({ login }) => login ?? 'none').sort(), ['Octo-Ann', 'none', 'octo-bob']);
  assert.ok(isOwn('octo-ann', all) && isOwn('octo-bob', all), 'nobody’s second press frees the first');
});

test('for each without a login one approval more is needed', () => {
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

test.run();
