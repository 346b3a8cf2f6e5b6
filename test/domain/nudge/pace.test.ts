import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allowance, allowedAtMs, nudgePace, rateAt } from '../../../controller/domain/nudge/pace.ts';

test('the rate comes from the setting, else from what the budget carries of this APK, never above 600,000 a minute', () => {
  assert.is(nudgePace({ perSecond: 40, budgetMbps: 1_000 }, 1).perSecond, 40);
  assert.is(nudgePace({ perSecond: 0, budgetMbps: 800 }, 40_000_000).perSecond, 2.5);
  assert.is(nudgePace({ perSecond: 0, budgetMbps: 800 }, 1_000).perSecond, 10_000);
  assert.is(nudgePace({ perSecond: 0, budgetMbps: 1 }, 2 ** 31).perSecond, 0.1);
});

test('with neither set pacing is off and 600,000 a minute still hold', () => {
  const pace = nudgePace({ perSecond: 0, budgetMbps: 0 }, 40_000_000);
  assert.is(rateAt(pace, 0), 10_000);
  assert.is(allowance(pace, 60_000), 600_000);
  assert.is(allowedAtMs(pace, 500), 50);
});

test('the pace grows evenly for 60 s and then stays', () => {
  const pace = { perSecond: 100, rampUpMs: 60_000 };
  assert.is(allowance(pace, 0), 0);
  assert.is(Math.round(allowance(pace, 30_000)), 750);
  assert.is(Math.round(allowance(pace, 60_000)), 3_000);
  assert.is(Math.round(allowance(pace, 70_000)), 4_000);
  assert.equal(
    [0, 30_000, 60_000, 90_000].map(ms => rateAt(pace, ms)),
    [0, 50, 100, 100],
  );
});

test('when a count is allowed and how much is allowed then agree', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 10_000, noNaN: true }),
      fc.constantFrom(0, 60_000),
      fc.integer({ min: 1, max: 1_000_000 }),
      (perSecond, rampUpMs, count) => {
        const pace = { perSecond, rampUpMs };
        assert.ok(Math.abs(allowance(pace, allowedAtMs(pace, count)) - count) < 1e-6 * count + 1e-6);
      },
    ),
  );
});

test.run();
