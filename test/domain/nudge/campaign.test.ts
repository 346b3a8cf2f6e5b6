import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../../controller/domain/cohort.ts';
import {
  type Before,
  beforeAll,
  inherit,
  type Moment,
  momentFor,
  newOffer,
} from '../../../controller/domain/nudge/campaign.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import { aSnapshot, aState, NOW_MS } from '../../support/state.ts';

const at = (rollout: number | Partial<Rollout>, atMs = NOW_MS): Moment => ({
  snapshot: aSnapshot(aState({ rollout })),
  atMs,
});
const upTo = (after: string) => ({ after, away: [] });
const device = (deviceId: string, versionCode = 41) => ({ deviceId, tags: [], versionCode });
const fleet = Array.from({ length: 2_000 }, (_, i) => device(`d-${i}`));

test('a percent raised nudges the newly exposed devices alone', () => {
  for (const d of fleet) {
    const bucket = bucketOf(d.deviceId, '');
    assert.is(newOffer(at(10), at(50), d), bucket >= 1_000 && bucket < 5_000 ? 'b42' : undefined);
  }
});

test('nothing before means that every offer is new; the same picture nudges nobody', () => {
  for (const d of fleet.slice(0, 300)) {
    assert.is(
      newOffer({ snapshot: undefined, atMs: 0 }, at(50), d),
      bucketOf(d.deviceId, '') < 5_000 ? 'b42' : undefined,
    );
    assert.is(newOffer(at(50), at(50), d), undefined);
  }
});

test('a rollback nudges none of those that were offered current and have not installed', () => {
  for (const d of fleet.slice(0, 300)) assert.is(newOffer(at(100), at({ rollback: true }), d), undefined);
});

test('a rollback is no news to a device that had an offer, whatever it runs', () => {
  const older = { versionCode: 40 };
  for (const d of fleet.slice(0, 300)) {
    assert.is(newOffer(at(100), at({ rollback: true }), { ...d, ...older }), undefined);
    const fresh: Moment = { snapshot: undefined, atMs: 0 };
    assert.is(newOffer(fresh, at({ rollback: true }), { ...d, ...older }), 'b41');
  }
});

test('a canary tag added nudges the devices that carry it alone', () => {
  const now = at({
    exposure: { kind: 'percent', percent: 10 },
    canary: { tags: ['qa'], devices: [], cohorts: [] },
  });
  for (const d of fleet.slice(0, 300)) {
    const exposed = bucketOf(d.deviceId, '') < 1_000;
    assert.is(newOffer(at(10), now, { ...d, tags: ['qa'] }), exposed ? undefined : 'b42');
    assert.is(newOffer(at(10), now, d), undefined);
  }
});

test('a forced rollback nudges those that run current', () => {
  const now = at({ rollback: true, forceDowngrade: true, reason: 'crash loop' });
  assert.is(newOffer(at(100), now, device('d-1', 42)), 'b41');
});

test('a campaign that takes over reaches each unreached device by the oldest picture', () => {
  const [a, b, c] = [1, 2, 3].map(atMs => ({ snapshot: undefined, atMs }));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three moments');
  const [A, B, C] = [beforeAll(a), beforeAll(b), beforeAll(c)];
  // A stopped after m, B after f: up to f all is settled, to m only A's part is, behind m nothing.
  const chain = inherit(C, inherit(B, A, upTo('m')), upTo('f'));
  assert.equal(
    ['b', 'f', 'g', 'm', 'n', 'z'].map(id => momentFor(chain, id).atMs),
    [3, 3, 2, 2, 1, 1],
  );
  // B reached nobody: C takes B's place, A's rest stays A's.
  assert.equal(
    ['b', 'm', 'n'].map(id => momentFor(inherit(C, inherit(B, A, upTo('m')), upTo('')), id).atMs),
    [2, 2, 1],
  );
  // The order in which rows are merged does not matter.
  const first = inherit(C, A, upTo('m'));
  assert.equal(
    ['b', 'm', 'n'].map(id => momentFor(inherit(first, B, upTo('')), id).atMs),
    [2, 2, 1],
  );
});

test('merging never makes a picture newer for anybody, whatever was reached', () => {
  const id = fc.stringMatching(/^[a-z]{1,3}$/);
  fc.assert(
    fc.property(fc.array(id, { maxLength: 5 }), id, (reached, who) => {
      let before: Before = beforeAll({ snapshot: undefined, atMs: 0 });
      let expected = 0;
      for (const [i, after] of reached.entries()) {
        if (who <= after) expected = i + 1;
        before = inherit(beforeAll({ snapshot: undefined, atMs: i + 1 }), before, upTo(after));
      }
      assert.is(momentFor(before, who).atMs, expected);
    }),
  );
});

test('devices that were sent away are handed over one by one, however far the campaign came', () => {
  const moment = (atMs: number): Moment => ({ snapshot: undefined, atMs });
  const first = inherit(beforeAll(moment(2)), beforeAll(moment(1)), { after: 'm', away: ['c'] });
  const of = (before: Before, ...ids: string[]) => ids.map(id => momentFor(before, id).atMs);
  assert.equal(of(first, 'b', 'c', 'd', 'm', 'n'), [2, 1, 2, 2, 1]);
  // The next one settles c; or comes no further than b; or is sent away by c as well.
  assert.equal(of(inherit(beforeAll(moment(3)), first, upTo('d')), 'b', 'c', 'd', 'e', 'n'), [3, 3, 3, 2, 1]);
  assert.equal(of(inherit(beforeAll(moment(3)), first, upTo('b')), 'b', 'c', 'd', 'n'), [3, 1, 2, 1]);
  const away = inherit(beforeAll(moment(3)), first, { after: 'd', away: ['b', 'c'] });
  assert.equal(of(away, 'a', 'b', 'c', 'd', 'e', 'n'), [3, 2, 1, 3, 2, 1]);
});

test('a storm of commits stays bounded and then nudges rather fewer', () => {
  let before = beforeAll({ snapshot: undefined, atMs: 0 });
  for (let i = 1; i <= 100; i++)
    before = inherit(beforeAll({ snapshot: undefined, atMs: i }), before, upTo(`d-${1000 - i}`));
  assert.ok(before.segments.length <= 33);
  assert.is(momentFor(before, 'd-0').atMs, 100);
});

test.run();
