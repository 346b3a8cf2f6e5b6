import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { accountOfActor, actorOfPerson, nameOfActor } from '../../controller/domain/actor.ts';

test('a person is shown by name and known by subject, whatever name they choose', () => {
  const eve = actorOfPerson('auth0|7', 'ops (admin:root)');
  assert.is(eve, 'person:auth0|7 (ops (admin:root))');
  assert.is(nameOfActor(eve), 'ops (admin:root)');
  assert.is(accountOfActor(eve), 'person:auth0|7');
});

test('whose subject is the name of a token is not taken for that token', () => {
  assert.is(accountOfActor('admin:ann'), 'ann');
  assert.is(accountOfActor(actorOfPerson('ann', 'ann')), 'person:ann');
});

test('a merge, a gate and GitHub are no human', () => {
  assert.is(nameOfActor('admin:ops'), 'ops');
  for (const actor of ['git:4f2c', 'gate', 'github', '', 'person:']) assert.is(nameOfActor(actor), undefined);
});

test.run();
