/** Before the merge, a plan says what its gate can prove with this very fleet. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import { countFleet } from '../../../controller/domain/plan/fleet.ts';
import { gateFacts } from '../../../controller/domain/plan/gate-facts.ts';
import { type Plan, plan } from '../../../controller/domain/plan/index.ts';
import { renderPlanMarkdown } from '../../../controller/domain/plan/markdown.ts';
import { renderPlanText } from '../../../controller/domain/plan/text.ts';
import { aRamp, aStanding, aState, NOW_MS } from '../../support/state.ts';

const fleetOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ deviceId: `kiosk-${n}`, tags: [], versionCode: 41 }));

const promoted = (gated: boolean): Plan => {
  const ramp = aRamp(undefined, [1, 24], [50, 24], [100]);
  if (ramp.kind !== 'ramp') throw new Error('aRamp makes a ramp');
  const exposure = gated ? { ...ramp, ramp: { ...ramp.ramp, gate: DEFAULT_GATE } } : ramp;
  return plan(undefined, aStanding(aState({ rollout: { exposure } })), NOW_MS);
};

test('a step of no or one device can never prove a breach, and the plan says so', () => {
  const gated = promoted(true);
  const [first = '', , last = ''] = gateFacts(gated, countFleet(gated, fleetOf(40)));
  assert.match(first, /^gate at 1 %: [01] devices? can never prove a breach \[gate_undecidable\]$/);
  assert.match(
    last,
    /^gate at 100 %: 5 failures of 40 devices halt it; a build that fails on [\d.]+ % or more/,
  );
});

test('both renderings carry the lines; without a gate or a fleet there are none', () => {
  const gated = promoted(true);
  const fleet = countFleet(gated, fleetOf(40));
  assert.match(renderPlanText(gated, { fleet }), 'gate_undecidable');
  assert.match(renderPlanMarkdown(gated, { fleet }), 'gate at 100 %');
  assert.equal(gateFacts(gated, undefined), []);
  const plain = promoted(false);
  assert.equal(gateFacts(plain, countFleet(plain, fleetOf(40))), []);
});

test.run();
