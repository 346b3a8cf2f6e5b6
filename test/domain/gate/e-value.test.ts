import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomOf } from '../../../controller/cli/simulation-random.ts';
import { eValue, lnEValue } from '../../../controller/domain/gate/e-value.ts';
import { wilsonLower99, wilsonUpper } from '../../../controller/domain/gate/wilson.ts';

for (const [x, n, p0, expected] of [
  [1, 1, 0.02, 7.8],
  [2, 2, 0.02, 94],
  [2, 42, 0.02, 0.8],
  [1, 45, 0.02, 0.28],
  [5, 50, 0.02, 23],
  [4, 50, 0.02, 5.6],
  [4, 45, 0.02, 7.7],
  [1, 100, 0.001, 2.8],
  [2, 100, 0.001, 29],
  [1, 1, 0.1, 4.38],
] as const)
  test(`${x} of ${n} against ${p0} has the e-value ${expected}`, () => {
    const value = eValue(x, n, p0);
    assert.ok(Math.abs(value - expected) / expected < 0.06, String(value));
  });

test('without devices there is no evidence', () => {
  assert.is(lnEValue(0, 0, 0.02), 0);
});

test('a share at the limit is never evidence', () => {
  for (const [x, n] of [
    [1, 50],
    [20, 1_000],
    [0, 100_000],
  ] as const)
    assert.ok(lnEValue(x, n, 0.02) <= 0);
});

test('a limit that leaves no worse rate to bet on proves nothing, whatever is seen', () => {
  for (const x of [0, 50, 100]) assert.is(lnEValue(x, 100, 0.98), 0);
});

test('a million failures of a million are a finite logarithm', () => {
  assert.ok(Number.isFinite(lnEValue(1_000_000, 1_000_000, 0.02)));
});

test('counts that cannot be are our own bug', () => {
  for (const [x, n, p0] of [
    [-1, 5, 0.02],
    [6, 5, 0.02],
    [1, 5, 0],
    [1, 5, 1],
    [Number.NaN, 5, 0.02],
  ] as const)
    assert.throws(() => lnEValue(x, n, p0), /assertion/);
});

const counts = fc
  .tuple(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([n, share]) => [Math.round(n * share), n] as const);
const limits = fc.double({ min: 0.001, max: 0.9, noNaN: true });

test('one more failure of as many devices never weakens the evidence', () => {
  fc.assert(
    fc.property(counts, limits, ([x, n], p0) => {
      if (x < n) assert.ok(lnEValue(x + 1, n, p0) >= lnEValue(x, n, p0));
    }),
  );
});

test('one more device that does well never strengthens the evidence', () => {
  fc.assert(
    fc.property(counts, limits, ([x, n], p0) => {
      assert.ok(lnEValue(x, n + 1, p0) <= lnEValue(x, n, p0) + 1e-12);
    }),
  );
});

test('the bet is fair: at the limit the next device changes the e-value by nothing on average', () => {
  fc.assert(
    fc.property(counts, fc.double({ min: 0.001, max: 0.1, noNaN: true }), ([x, n], p0) => {
      fc.pre((x + 1) / (n + 1) > p0 && x / (n + 1) > p0);
      const now = lnEValue(x, n, p0);
      const next =
        p0 * Math.exp(lnEValue(x + 1, n + 1, p0) - now) + (1 - p0) * Math.exp(lnEValue(x, n + 1, p0) - now);
      assert.ok(Math.abs(next - 1) < 1e-9, String(next));
    }),
  );
});

test('of rollouts at the limit at most one in twenty ever looks proven, whenever one looks', () => {
  const random = randomOf(1);
  const runs = 400;
  let crossed = 0;
  for (let run = 0; run < runs; run++) {
    let fail = 0;
    for (let taken = 1; taken <= 1_000; taken++) {
      if (random.chance(0.02)) fail++;
      if (lnEValue(fail, taken, 0.02) < Math.log(20)) continue;
      crossed++;
      break;
    }
  }
  assert.ok(crossed / runs <= 0.05, String(crossed));
  assert.ok(crossed > 0);
});

test('the upper end of the interval lies above the share, below 1, and closes in', () => {
  assert.ok(Math.abs(wilsonUpper(1, 2_000) - 0.00282) < 0.0001);
  assert.ok(Math.abs(wilsonUpper(0, 20) - 0.1611) < 0.0005);
  assert.ok(Math.abs(wilsonUpper(10, 20) - 0.7007) < 0.0001);
  assert.is(wilsonUpper(0, 0), 1);
  fc.assert(
    fc.property(counts, ([x, n]) => {
      const upper = wilsonUpper(x, n);
      assert.ok(upper >= x / n && upper <= 1);
      assert.ok(wilsonUpper(4 * x, 4 * n) <= upper + 1e-12);
    }),
  );
});

test('the lower end lies below the share and not below 0; without a sample it is 0', () => {
  assert.ok(Math.abs(wilsonLower99(10, 20) - 0.2693) < 0.0001);
  assert.is(wilsonLower99(0, 20), 0);
  assert.is(wilsonLower99(0, 0), 0);
});

test.run();
