import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  allowance,
  allowedAtMs,
  inherit,
  type Moment,
  momentFor,
  newOffer,
  nudgeRate,
  type Segments,
} from '../../controller/domain/campaign.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { aSnapshot, aState, NOW_MS } from '../support/state.ts';

const at = (rollout: number | Partial<Rollout>, atMs = NOW_MS): Moment => ({
  snapshot: aSnapshot(aState({ rollout })),
  atMs,
});
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

test('a forced rollback nudges those that run current', () => {
  const now = at({ rollback: true, forceDowngrade: true, reason: 'crash loop' });
  assert.is(newOffer(at(100), now, device('d-1', 42)), 'b41');
});

test('a campaign that takes over reaches each unreached device by the oldest picture', () => {
  const [a, b, c] = [1, 2, 3].map(atMs => ({ snapshot: undefined, atMs }));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three moments');
  const A: Segments = [{ after: '', before: a }];
  const B: Segments = [{ after: '', before: b }];
  const C: Segments = [{ after: '', before: c }];
  // A stopped after m, B after f: up to f all is settled, to m only A's part is, behind m nothing.
  const chain = inherit(C, inherit(B, A, 'm'), 'f');
  assert.equal(
    ['b', 'f', 'g', 'm', 'n', 'z'].map(id => momentFor(chain, id).atMs),
    [3, 3, 2, 2, 1, 1],
  );
  // B reached nobody: C takes B's place, A's rest stays A's.
  assert.equal(
    ['b', 'm', 'n'].map(id => momentFor(inherit(C, inherit(B, A, 'm'), ''), id).atMs),
    [2, 2, 1],
  );
  // The order in which rows are merged does not matter.
  const first = inherit(C, A, 'm');
  assert.equal(
    ['b', 'm', 'n'].map(id => momentFor(inherit(first, B, ''), id).atMs),
    [2, 2, 1],
  );
});

test('merging never makes a picture newer for anybody, whatever was reached', () => {
  const id = fc.stringMatching(/^[a-z]{1,3}$/);
  fc.assert(
    fc.property(fc.array(id, { maxLength: 5 }), id, (reached, who) => {
      let segments: Segments = [{ after: '', before: { snapshot: undefined, atMs: 0 } }];
      let expected = 0;
      for (const [i, upTo] of reached.entries()) {
        const own: Segments = [{ after: '', before: { snapshot: undefined, atMs: i + 1 } }];
        if (who <= upTo) expected = i + 1;
        segments = inherit(own, segments, upTo);
      }
      assert.is(momentFor(segments, who).atMs, expected);
    }),
  );
});

test('the rate comes from the setting, else from what the budget carries of this APK, never above 600,000 a minute', () => {
  assert.is(nudgeRate({ perSecond: 40, budgetMbps: 1_000 }, 1), 40);
  assert.is(nudgeRate({ perSecond: 0, budgetMbps: 800 }, 40_000_000), 2.5);
  assert.is(nudgeRate({ perSecond: 0, budgetMbps: 800 }, 1_000), 10_000);
  assert.is(nudgeRate({ perSecond: 0, budgetMbps: 0 }, 40_000_000), undefined);
});

test('the pace grows evenly for 60 s and then stays', () => {
  assert.is(allowance(100, 0), 0);
  assert.is(Math.round(allowance(100, 30_000)), 750);
  assert.is(Math.round(allowance(100, 60_000)), 3_000);
  assert.is(Math.round(allowance(100, 70_000)), 4_000);
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 10_000, noNaN: true }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (rate, count) => {
        assert.ok(Math.abs(allowance(rate, allowedAtMs(rate, count)) - count) < 1e-6 * count + 1e-6);
      },
    ),
  );
});

test.run();
