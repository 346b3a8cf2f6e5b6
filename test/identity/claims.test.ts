import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { roleOf } from '../../controller/domain/role.ts';
import { personOf } from '../../controller/identity/claims.ts';

const ISSUER = 'https://login.example/';
const of = (claims: Readonly<Record<string, unknown>>, groupsClaim = 'groups') =>
  personOf({ sub: 's', ...claims }, ISSUER, groupsClaim);

test('the name is for display: one line, bounded, and never an e-mail address by itself', () => {
  assert.is(of({ name: 'Ann', email: 'ann@x' })?.name, 'Ann');
  assert.is(of({ preferred_username: 'ann' })?.name, 'ann');
  assert.is(of({ email: 'ann@x' })?.name, 's');
  assert.is(of({ name: ' a\r\nb\u2028c\u202ed\u0000 ' })?.name, 'a b c d');
  assert.is(of({ name: '\u200b', preferred_username: 'p' })?.name, 'p', 'an invisible name is none');
  assert.is(Array.from(of({ name: '🙂'.repeat(500) })?.name ?? '').length, 100);
  for (const name of [7, null, {}, ['x'], '']) assert.is(of({ name })?.name, 's');
});

test('a person without a usable subject is nobody', () => {
  for (const sub of [undefined, null, 7, '', 'a b', 'ä', 'x\n', 's'.repeat(256)])
    assert.is(personOf({ sub, name: 'Ann' }, ISSUER, 'groups'), undefined, String(sub));
});

test('groups are a list, one word, or nested; what is no group is left out', () => {
  assert.equal(of({ groups: ['a', 7, null, '', ['b'], 'c', 'x'.repeat(513)] })?.groups, ['a', 'c']);
  assert.equal(of({ groups: 'a' })?.groups, ['a']);
  assert.equal(of({})?.groups, []);
  assert.equal(of({ realm_access: { roles: ['a'] } }, 'realm_access.roles')?.groups, ['a']);
  assert.equal(of({ 'https://x.example/groups': ['a'] }, 'https://x.example/groups')?.groups, ['a']);
  assert.equal(of({}, '__proto__')?.groups, []);
  assert.equal(of({}, 'constructor.name')?.groups, []);
  assert.is(of({ groups: Array.from({ length: 50_000 }, String) })?.groups.length, 10_000);
});

test('the highest role counts, and no known group is none', () => {
  const roles = new Map([
    ['a', 'viewer'],
    ['b', 'operator'],
    ['c', 'proposer'],
  ] as const);
  assert.is(roleOf(['a', 'b', 'c'], roles), 'operator');
  assert.is(roleOf(['c', 'x', 'a'], roles), 'proposer');
  assert.is(roleOf(['x'], roles), undefined);
  assert.is(roleOf([], roles), undefined);
});

test.run();
