/** Which control may say what silence is normal, and what of the counts a proof is made from. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lnEValue } from '../../../controller/domain/gate/e-value.ts';
import type { Evidence } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import {
  hasControl,
  isStarved,
  liftOf,
  proofOf,
  reaches,
  silenceLimit,
} from '../../../controller/domain/gate/proof.ts';
import { anEvidence } from '../../support/gate.ts';

const besides = (devices: number, silent: number, over: Partial<Evidence> = {}): Evidence =>
  anEvidence({ taken: 45 }, { control: { devices, silent }, ...over });

for (const [devices, silent, starved, compares] of [
  [19, 0, false, false],
  [19, 19, false, false],
  [20, 0, false, true],
  [20, 10, false, true],
  [20, 11, true, false],
  [2_000, 1_001, true, false],
] as const)
  test(`a control of ${devices}, ${silent} of them silent`, () => {
    const evidence = besides(devices, silent);
    assert.is(isStarved(evidence), starved);
    assert.is(hasControl(evidence), compares);
  });

test('without a control that can be trusted the limit is silence_max, however quiet the few devices are', () => {
  const { silenceMax } = DEFAULT_GATE;
  for (const evidence of [besides(0, 0), besides(19, 5), besides(2_000, 200, { starved: true })])
    assert.is(silenceLimit(DEFAULT_GATE, evidence), silenceMax);
  assert.is(silenceLimit(DEFAULT_GATE, besides(2_000, 0)), silenceMax);
  assert.ok(silenceLimit(DEFAULT_GATE, besides(20, 1)) > 0.3);
});

test('mismatches of canaries and of the fleet are one proof, counted from the lift on', () => {
  const evidence = anEvidence(
    { taken: 100, ok: 98, verifyFail: 2 },
    { canary: { taken: 50, fail: 0, verifyFail: 1 } },
  );
  const proof = proofOf(DEFAULT_GATE, evidence, undefined);
  assert.is(proof.verifyFail, 3);
  assert.is(proof.lnVerify, lnEValue(3, 150, 0.001));
  const lift = liftOf(DEFAULT_GATE, evidence);
  assert.equal([lift.taken, lift.verifyFail], [150, 3]);
  const since = proofOf(DEFAULT_GATE, evidence, { ...lift, taken: 140, verifyFail: 2 });
  assert.is(since.lnVerify, lnEValue(1, 10, 0.001));
});

test('a level is reached at its very value; a lift raises it and never lowers it', () => {
  assert.ok(reaches(Math.log(20), 20));
  assert.not(reaches(Math.log(19.99), 20));
  assert.ok(reaches(Math.log(20) + 2, 20, 2));
  assert.not(reaches(Math.log(20) + 1.99, 20, 2));
  assert.not(reaches(Math.log(19.99), 20, -5));
});

test.run();
