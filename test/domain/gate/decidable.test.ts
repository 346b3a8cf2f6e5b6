import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decidableAt, isUndecidable } from '../../../controller/domain/gate/decidable.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';

for (const [devices, failures, share] of [
  [2, 2, 0.895],
  [5, 2, 0.49],
  [10, 3, 0.381],
  [45, 5, 0.146],
  [50, 5, 0.131],
  [450, 20, 0.053],
] as const)
  test(`${devices} devices at a limit of 2 %: ${failures} failures halt, likely from ${share * 100} % on`, () => {
    const can = decidableAt(DEFAULT_GATE, devices);
    assert.is(can.failuresToHalt, failures);
    assert.ok(Math.abs((can.likelyHaltedAt ?? 0) - share) <= 0.004, String(can.likelyHaltedAt));
  });

test('one device, or none, proves nothing', () => {
  for (const devices of [0, 1]) {
    assert.ok(isUndecidable(DEFAULT_GATE, devices));
    assert.equal(decidableAt(DEFAULT_GATE, devices), {
      failuresToHalt: undefined,
      likelyHaltedAt: undefined,
    });
  }
  assert.not(isUndecidable(DEFAULT_GATE, 2));
});

test('a larger step proves smaller shares', () => {
  const shares = [2, 10, 50, 100, 500, 1_000, 5_000, 50_000].map(
    devices => decidableAt(DEFAULT_GATE, devices).likelyHaltedAt ?? 1,
  );
  assert.equal(
    shares,
    [...shares].sort((a, b) => b - a),
  );
  assert.ok((shares.at(-1) ?? 1) < 0.031);
});

test.run();
