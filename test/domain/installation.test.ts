import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fingerprintOf,
  type Identity,
  type Known,
  keyMarks,
  placeOfUrl,
  type Recognition,
  recognise,
} from '../../controller/domain/installation.ts';

const keyOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const marks = (...keys: readonly (readonly [kid: string, fill: number])[]) =>
  keys.map(([kid, fill]) => ({ kid, fingerprint: fingerprintOf('token', keyOf(fill)) }));

const base: Identity = {
  tokenKeys: marks(['k1', 1]),
  nudgeKey: fingerprintOf('nudge', keyOf(9)),
  source: { url: 'https://git.example/releases', branch: 'main', path: 'releases' },
  publicUrl: 'https://ota.example',
};

/** What the database holds after these controllers started one after another. */
function after(...identities: readonly Partial<Identity>[]): Map<string, string> {
  const known = new Map([['id', 'x']]);
  for (const identity of identities) {
    const { learn, differing } = recognise(known, { ...base, ...identity });
    assert.equal(differing, []);
    for (const [name, value] of learn) known.set(name, value);
  }
  return known;
}
const settings = ({ differing }: Recognition): string[] => differing.map(d => d.setting);
const seen = (known: Known, identity: Partial<Identity>): string[] =>
  settings(recognise(known, { ...base, ...identity }));

test('the first controller writes what it is, and the same one starts again', () => {
  const known = after({});
  assert.equal([...known.keys()].sort(), [
    'id',
    'nudge_key',
    'public_url',
    'source',
    'source_branch',
    'source_path',
    'token_key',
  ]);
  assert.equal(recognise(known, base), { learn: [], differing: [] });
});

test('a key is told by a fingerprint that is not a part of it, and differs with its purpose', () => {
  const key = keyOf(0xab);
  const hex = Buffer.from(key).toString('hex');
  for (const purpose of ['token', 'nudge'] as const)
    assert.not.ok(hex.includes(fingerprintOf(purpose, key).slice(0, 6)));
  assert.is.not(fingerprintOf('token', key), fingerprintOf('nudge', key));
  assert.equal(keyMarks([{ kid: 'k1', key }]), [{ kid: 'k1', fingerprint: fingerprintOf('token', key) }]);
});

for (const [what, identity, names] of [
  ['another token key', { tokenKeys: marks(['k1', 2]) }, ['OTA_TOKEN_KEY']],
  ['another nudge key', { nudgeKey: fingerprintOf('nudge', keyOf(8)) }, ['OTA_NUDGE_KEY']],
  ['another repository', { source: { ...base.source, url: 'https://git.example/other' } }, ['OTA_SOURCE']],
  ['another branch', { source: { ...base.source, branch: 'next' } }, ['OTA_SOURCE_BRANCH']],
  ['another path', { source: { ...base.source, path: 'tv' } }, ['OTA_SOURCE_PATH']],
  ['a folder', { source: undefined }, ['OTA_SOURCE']],
  ['another URL', { publicUrl: 'https://b.example' }, ['OTA_PUBLIC_URL']],
  ['no URL', { publicUrl: undefined }, ['OTA_PUBLIC_URL']],
  ['two at once', { publicUrl: undefined, tokenKeys: marks(['k9', 3]) }, ['OTA_TOKEN_KEY', 'OTA_PUBLIC_URL']],
] as readonly (readonly [string, Partial<Identity>, string[]])[])
  test(`a controller with ${what} differs, and its rows make it agree`, () => {
    const known = after({});
    const { differing } = recognise(known, { ...base, ...identity });
    assert.equal(
      differing.map(d => d.setting),
      names,
    );
    for (const [name, value] of differing.flatMap(d => d.rows))
      if (value === null) known.delete(name);
      else known.set(name, value);
    assert.equal(seen(known, identity), []);
  });

test('a rotation is followed: new with the old as previous, then the new alone; the old alone differs', () => {
  const known = after({}, { tokenKeys: marks(['k2', 2], ['k1', 1]) }, { tokenKeys: marks(['k2', 2]) });
  assert.equal(seen(known, {}), ['OTA_TOKEN_KEY']);
  const third = after(
    {},
    { tokenKeys: marks(['k2', 2], ['k1', 1]) },
    { tokenKeys: marks(['k3', 3], ['k2', 2]) },
    { tokenKeys: marks(['k3', 3]) },
  );
  assert.equal(seen(third, { tokenKeys: marks(['k2', 2]) }), ['OTA_TOKEN_KEY']);
});

test('several controllers rotate one after another: who signs with the old key and verifies the new one changes nothing', () => {
  const known = after(
    { tokenKeys: marks(['k1', 1], ['k2', 2]) },
    { tokenKeys: marks(['k2', 2], ['k1', 1]) },
    { tokenKeys: marks(['k1', 1], ['k2', 2]) },
    { tokenKeys: marks(['k2', 2]) },
  );
  assert.equal(seen(known, {}), ['OTA_TOKEN_KEY']);
});

test('keys that were lost for good and adopted may rotate again', () => {
  const known = after({});
  const lost = { tokenKeys: marks(['k2', 5]) };
  for (const [name, value] of recognise(known, { ...base, ...lost }).differing.flatMap(d => d.rows))
    known.set(name, value ?? '');
  assert.equal(seen(known, lost), []);
  assert.equal(seen(known, { tokenKeys: marks(['k3', 6], ['k2', 5]) }), []);
});

test('a first URL or repository is learnt: a folder names no place that another could share', () => {
  const known = after({ source: undefined, publicUrl: undefined }, {});
  assert.is(known.get('source'), 'https://git.example/releases');
  assert.is(known.get('public_url'), 'https://ota.example');
});

test('a new password or another spelling of the repository is the same place', () => {
  for (const url of [
    'https://git.example/releases',
    'https://git.example/releases.git',
    'https://git.example/releases/',
    'https://ann:hunter2@git.example/releases.git',
  ])
    assert.is(placeOfUrl(url), 'https://git.example/releases');
  assert.is(placeOfUrl('git@git.example:fleet/releases.git'), 'git@git.example:fleet/releases');
});

test.run();
