/** What holds for every judgement, whatever the counts are. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../../controller/domain/duration.ts';
import { type Evidence, NO_EVIDENCE, type StepTakers } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import { judgeStep, type LookMemory } from '../../../controller/domain/gate/judge-step.ts';
import { liftOf } from '../../../controller/domain/gate/proof.ts';
import { someFacts } from '../../support/gate.ts';

const size = fc.integer({ min: 0, max: 3_000 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Counts that can be: every part lies inside its whole, and the step inside the cohort. */
const evidences = fc
  .record({
    taken: size,
    parts: fc.tuple(share, share, share, share, share),
    step: fc.tuple(share, share, share, share),
    open: size,
    canary: fc.tuple(size, share, share),
    control: fc.tuple(size, share),
    flags: fc.record({
      ownApkWrong: fc.boolean(),
      dataFault: fc.boolean(),
      clockHeld: fc.boolean(),
      frozen: fc.boolean(),
      starved: fc.boolean(),
      suspended: fc.boolean(),
    }),
    calm: fc.boolean(),
  })
  .map(({ taken, parts, step, open, canary, control, flags, calm }): Evidence => {
    const fail = Math.floor(taken * parts[0]);
    const verifyFail = Math.floor((taken - fail) * parts[1] * 0.02);
    const ok = Math.floor((taken - fail - verifyFail) * parts[2]);
    const takenLongAgo = Math.floor(taken * parts[3]);
    const cohort = {
      taken,
      ok,
      fail,
      verifyFail,
      followed: Math.floor(taken * parts[4]),
      open,
      deferred: 0,
      takenLongAgo,
      silent: Math.floor(takenLongAgo * parts[1]),
    };
    const stepTakers: StepTakers = {
      ok: Math.floor(ok * step[0]),
      fail: Math.floor(fail * step[1]),
      verifyFail: 0,
      taken: Math.floor(ok * step[0]) + Math.floor(fail * step[1]),
      followed: Math.floor((Math.floor(ok * step[0]) + Math.floor(fail * step[1])) * step[2]),
      open: Math.floor(open * step[3]),
      deferred: 0,
    };
    const canaryFail = Math.floor(canary[0] * canary[1] * 0.1);
    return {
      ...NO_EVIDENCE,
      cohort,
      step: stepTakers,
      canary: { taken: canary[0], fail: canaryFail, verifyFail: 0 },
      control: { devices: control[0], silent: Math.floor(control[0] * control[1]) },
      ...(calm ? {} : flags),
    };
  });

const factsOf = fc
  .record({
    exposureMs: fc.integer({ min: 0, max: 100 * HOUR_MS }),
    upMs: fc.integer({ min: 0, max: 200 * HOUR_MS }),
    approvedPercent: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
    approval: fc.boolean(),
    last: fc.boolean(),
    resumed: fc.boolean(),
  })
  .map(({ last, approval, ...facts }) =>
    someFacts({
      ...facts,
      ...(last ? { next: undefined, holdMs: undefined } : { next: { percent: 5, approval } }),
    }),
  );

test('every judgement gives its reasons; only an advance may have none', () => {
  fc.assert(
    fc.property(factsOf, evidences, (facts, evidence) => {
      const { verdict, reasons } = judgeStep(DEFAULT_GATE, facts, evidence, {});
      assert.ok(reasons.length > 0 || verdict === 'advance');
      assert.is(new Set(reasons).size, reasons.length);
    }),
  );
});

test('one device halts nothing, whatever it reports and however the rest stands still', () => {
  const one = fc.constantFrom<Partial<Evidence['cohort']>>(
    { fail: 1 },
    { verifyFail: 1 },
    { takenLongAgo: 1, silent: 1 },
  );
  fc.assert(
    fc.property(factsOf, evidences, one, size, (facts, evidence, row, more) => {
      const cohort = { ...NO_EVIDENCE.cohort, taken: 1 + more, ok: more, followed: more, ...row };
      const single = { ...evidence, cohort, step: cohort, ownApkWrong: false };
      const alone = { ...single, canary: NO_EVIDENCE.canary };
      const memory: LookMemory = row.silent === undefined ? {} : { silenceSinceMs: 0 };
      assert.is.not(judgeStep(DEFAULT_GATE, facts, alone, memory).verdict, 'halt');
    }),
  );
});

test('one more device on which the build runs never turns another verdict into a halt', () => {
  fc.assert(
    fc.property(factsOf, evidences, fc.integer({ min: 1, max: 500 }), (facts, evidence, more) => {
      const better: Evidence = {
        ...evidence,
        cohort: {
          ...evidence.cohort,
          taken: evidence.cohort.taken + more,
          ok: evidence.cohort.ok + more,
          followed: evidence.cohort.followed + more,
        },
      };
      const before = judgeStep(DEFAULT_GATE, facts, evidence, {}).verdict;
      const after = judgeStep(DEFAULT_GATE, facts, better, {}).verdict;
      if (before !== 'halt') assert.is.not(after, 'halt');
    }),
  );
});

test('one more failing device never turns a halt into anything else', () => {
  fc.assert(
    fc.property(factsOf, evidences, (facts, evidence) => {
      const { cohort } = evidence;
      const worse = { ...evidence, cohort: { ...cohort, taken: cohort.taken + 1, fail: cohort.fail + 1 } };
      const halts = (e: Evidence): boolean =>
        judgeStep(DEFAULT_GATE, facts, e, {}).reasons.includes('install_failures');
      if (halts(evidence)) assert.ok(halts(worse));
    }),
  );
});

test('nothing advances before its hold is over, or while frozen, suspended, starved, held or in doubt of its data', () => {
  fc.assert(
    fc.property(factsOf, evidences, (facts, evidence) => {
      if (judgeStep(DEFAULT_GATE, facts, evidence, {}).verdict !== 'advance') return;
      assert.ok(facts.exposureMs >= (facts.holdMs ?? 0));
      assert.not(evidence.suspended || evidence.starved || evidence.clockHeld || evidence.dataFault);
      if (facts.next !== undefined) assert.not(evidence.frozen);
    }),
  );
});

test('a lift at this very evidence ends its halt, and the halt returns with enough new failures', () => {
  fc.assert(
    fc.property(
      evidences.filter(e => !e.dataFault && !e.clockHeld && !e.ownApkWrong),
      evidence => {
        const lift = liftOf(DEFAULT_GATE, evidence);
        const facts = someFacts({ lift });
        assert.is.not(judgeStep(DEFAULT_GATE, facts, evidence, {}).verdict, 'halt');
        const { cohort } = evidence;
        const more = cohort.taken + 100;
        const worse = {
          ...evidence,
          cohort: { ...cohort, taken: cohort.taken + more, fail: cohort.fail + more },
        };
        assert.is(judgeStep(DEFAULT_GATE, facts, worse, {}).verdict, 'halt');
      },
    ),
  );
});

test.run();
