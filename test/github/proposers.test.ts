/** Whose approval is their own: a person is known by the subject that the provider gave them, never by name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeProposers, neededWith } from '../../controller/github/proposers.ts';
import type { KeyValueStore } from '../../controller/ports/index.ts';
import { logins } from '../../controller/settings/spec.ts';

const inMemory = (): KeyValueStore => {
  const kept = new Map<string, string>();
  return {
    get: async key => kept.get(key),
    set: async (key, value) => void kept.set(key, value),
  } as KeyValueStore;
};

const loginOf = async (actor: string, setting: string): Promise<string | undefined> => {
  const proposers = makeProposers(inMemory(), logins(setting) ?? new Map(), () => 0);
  await proposers.record(7, actor);
  return (await proposers.of(7))?.login;
};

test('a person is mapped by subject', async () => {
  assert.is(await loginOf('person:auth0|7 (Ann)', 'person:auth0|7=octo-ann'), 'octo-ann');
  assert.is(await loginOf('person:YWJj== (Ann)', 'ops=octo-ops, person:YWJj===octo-ann'), 'octo-ann');
});

test('neither a name nor a subject makes a person into an operator whose login is known', async () => {
  assert.is(await loginOf('person:eve (ann)', 'ann=octo-ann'), undefined);
  assert.is(await loginOf('person:ann (Eve)', 'ann=octo-ann'), undefined);
  assert.is(await loginOf('admin:ann', 'ann=octo-ann'), 'octo-ann');
});

test('without a login one approval more is needed', () => {
  assert.is(neededWith(1, { actor: 'person:eve (Eve)', login: undefined }), 2);
  assert.is(neededWith(1, { actor: 'person:eve (Eve)', login: 'octo-eve' }), 1);
  assert.is(neededWith(0, { actor: 'person:eve (Eve)', login: undefined }), 0);
});

test.run();
