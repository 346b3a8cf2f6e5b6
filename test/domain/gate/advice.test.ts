/** What a gate with defaults says of a plain percent: told to people, followed by nobody. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Advised,
  adviseOn,
  adviserOf,
  againstIn,
  gateOf,
} from '../../../controller/domain/gate/advice.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import type { Judgement, LookMemory } from '../../../controller/domain/gate/judge-step.ts';
import { liftOf } from '../../../controller/domain/gate/proof.ts';
import { REASONS } from '../../../controller/domain/gate/verdict.ts';
import { anEvidence, good } from '../../support/gate.ts';
import { aBuild, aRamp, aRollout, aState, HOUR_MS } from '../../support/state.ts';

const ramp = aRamp(undefined, [1, 24], [100]);
const withdrawn = aBuild(42, { withdrawn: { reason: 'crashes', atMs: 0 } });

for (const [name, state, advises] of [
  ['a plain percent', aState({ rollout: 10 }), true],
  ['100 %', aState({ rollout: 100 }), true],
  ['0 %: nobody is led to the build', aState({ rollout: 0 }), false],
  ['a ramp: its own gate judges, or none', aState({ rollout: { exposure: ramp } }), false],
  ['a rollback', aState({ rollout: { rollback: true } }), false],
  ['a withdrawn build', aState({ builds: [aBuild(41), withdrawn] }), false],
] as const)
  test(`${name}: a gate with defaults ${advises ? 'advises' : 'does not advise'}`, () => {
    assert.equal(adviserOf(state, 6 * HOUR_MS), advises ? DEFAULT_GATE : undefined);
  });

test('by default a device is silent after 18 h, and after three polls where those are longer', () => {
  const after = (pollHours: number) => adviserOf(aState(), pollHours * HOUR_MS)?.silenceAfterMs;
  assert.equal([1, 6, 12].map(after), [18 * HOUR_MS, 18 * HOUR_MS, 36 * HOUR_MS]);
});

test('the gate of a rollout is that of its ramp; a plain percent has none', () => {
  if (ramp.kind !== 'ramp') throw new Error('aRamp makes a ramp');
  const gate = { ...DEFAULT_GATE, minReports: 7 };
  const gated = aRollout({ exposure: { kind: 'ramp', ramp: { ...ramp.ramp, gate } } });
  assert.equal(gateOf(aState({ rollout: gated })), gate);
  assert.is(gateOf(aState({ rollout: { exposure: ramp } })), undefined);
  assert.is(gateOf(aState({ rollout: 10 })), undefined);
});

const advised = (over: Partial<Advised> = {}): Advised => ({
  unchangedMs: 24 * HOUR_MS,
  upMs: 24 * HOUR_MS,
  pollMs: 6 * HOUR_MS,
  lift: undefined,
  ...over,
});
const failing = anEvidence({ taken: 45, ok: 25, fail: 20, followed: 45 });
const advice = (evidence = good, over: Partial<Advised> = {}, memory: LookMemory = {}): Judgement =>
  adviseOn(DEFAULT_GATE, advised(over), evidence, memory);

test('the advice for a good rollout is to go on', () => {
  assert.equal([advice().verdict, advice().reasons], ['advance', []]);
});

test('the advice for a bad rollout is to halt, but not after a lift at the same evidence', () => {
  assert.equal([advice(failing).verdict, advice(failing).reasons], ['halt', ['install_failures']]);
  assert.is(advice(failing, { lift: liftOf(DEFAULT_GATE, failing) }).verdict, 'hold');
});

test('too little evidence is reported at any age, and no person is asked', () => {
  const few = anEvidence({ taken: 10, ok: 10, followed: 10, open: 35 });
  assert.equal(advice(few).reasons, ['too_few_reports', 'too_little_follow_up']);
  const old = advice(few, { unchangedMs: 48 * HOUR_MS });
  assert.equal([old.verdict, old.reasons.at(-1)], ['hold', 'no_data']);
});

test('silence is reported at the second look, one poll after the first', () => {
  const dark = anEvidence(
    { taken: 45, takenLongAgo: 45, silent: 40 },
    { control: { devices: 2_000, silent: 20 } },
  );
  const first = advice(dark);
  assert.is(first.verdict, 'hold');
  assert.is(advice(dark, { upMs: 30 * HOUR_MS - 1 }, first.memory).verdict, 'hold');
  assert.is(advice(dark, { upMs: 30 * HOUR_MS }, first.memory).verdict, 'halt');
});

test('people are shown reasons against the build, not mere lack of evidence', () => {
  assert.equal(againstIn({ reasons: REASONS }).sort(), [
    'artifact_missing',
    'canary_failures',
    'doubt',
    'fail_ratio',
    'install_failures',
    'silence',
    'verify_failures',
  ]);
});

test.run();
