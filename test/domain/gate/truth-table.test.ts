/** The truth table of the gate's design, row by row: limit 2 %, verify 1, silence 2 % after 18 h, 50 reports, 48 h of waiting. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../../controller/domain/duration.ts';
import { eValue } from '../../../controller/domain/gate/e-value.ts';
import { type Evidence, NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import {
  type Judgement,
  judgeStep,
  type LookMemory,
  type StepFacts,
} from '../../../controller/domain/gate/judge-step.ts';
import { isStarved, liftOf } from '../../../controller/domain/gate/proof.ts';
import type { Reason, Verdict } from '../../../controller/domain/gate/verdict.ts';
import { anEvidence, someFacts } from '../../support/gate.ts';

/** The hold of 12 h is over; 60 h: so is the waiting. */
const over = someFacts({ exposureMs: 12 * HOUR_MS });
const waited = someFacts({ exposureMs: 60 * HOUR_MS });
const last = someFacts({ next: undefined, holdMs: undefined, exposureMs: 24 * HOUR_MS });

interface Row {
  readonly row: number;
  readonly situation: string;
  readonly facts: StepFacts;
  readonly evidence: Evidence;
  readonly memory?: LookMemory;
  readonly verdict: Verdict;
  readonly reasons?: readonly Reason[];
}

/** A step of 45 that all took, with as many judged and followed as said. */
const step45 = (fail: number, judged = 45, followed = 45): Evidence =>
  anEvidence({ taken: 45, ok: judged - fail, fail, followed });
const of = (fail: number, taken: number, over: Partial<Evidence> = {}): Evidence =>
  anEvidence({ taken, ok: taken - fail, fail, followed: taken }, over);
const silent = (count: number, taken: number, over: Partial<Evidence>): Evidence =>
  anEvidence({ taken, ok: taken - count, followed: taken - count, takenLongAgo: taken, silent: count }, over);
const calm = { devices: 2_000, silent: 1 };

const ROWS: readonly Row[] = [
  {
    row: 1,
    situation: 'the hold is not over, all is well',
    facts: someFacts({ exposureMs: 3 * HOUR_MS }),
    evidence: step45(0),
    verdict: 'counting',
    reasons: ['hold_time'],
  },
  {
    row: 2,
    situation: 'the hold is over, all is well, 30 judged and 30 followed',
    facts: over,
    evidence: step45(0, 30, 30),
    verdict: 'advance',
    reasons: [],
  },
  {
    row: 2,
    situation: 'one judged less',
    facts: over,
    evidence: step45(0, 29, 30),
    verdict: 'hold',
    reasons: ['too_few_reports'],
  },
  {
    row: 3,
    situation: 'reports, but nobody seen 12 h after its take',
    facts: over,
    evidence: step45(0, 45, 0),
    verdict: 'hold',
    reasons: ['too_little_follow_up'],
  },
  {
    row: 4,
    situation: '1 failure, 1 taken',
    facts: over,
    evidence: anEvidence({ taken: 1, fail: 1, open: 44 }),
    verdict: 'hold',
  },
  {
    row: 5,
    situation: '2 failures of 2 taken',
    facts: someFacts({ exposureMs: HOUR_MS }),
    evidence: anEvidence({ taken: 2, fail: 2, open: 43 }),
    verdict: 'halt',
    reasons: ['install_failures'],
  },
  {
    row: 6,
    situation: '2 failures reported, 40 took it and are pending',
    facts: over,
    evidence: anEvidence({ taken: 42, fail: 2, open: 3 }),
    verdict: 'hold',
    reasons: ['too_few_reports', 'too_little_follow_up'],
  },
  {
    row: 6,
    situation: 'the raw ratio holds from 10 judged',
    facts: over,
    evidence: anEvidence({ taken: 42, fail: 2, ok: 8, open: 3 }),
    verdict: 'hold',
    reasons: ['fail_ratio', 'too_few_reports', 'too_little_follow_up'],
  },
  {
    row: 7,
    situation: '1 of 45 (2.2 %), complete, after 48 h',
    facts: waited,
    evidence: step45(1),
    verdict: 'advance',
    reasons: ['fail_ratio', 'max_wait'],
  },
  { row: 7, situation: '1 of 45 before that', facts: over, evidence: step45(1), verdict: 'hold' },
  { row: 8, situation: '5 of 50', facts: over, evidence: of(5, 50), verdict: 'halt' },
  { row: 8, situation: '4 of 50', facts: over, evidence: of(4, 50), verdict: 'hold' },
  { row: 8, situation: '4 of 50 after 48 h', facts: waited, evidence: of(4, 50), verdict: 'advance' },
  {
    row: 8,
    situation: '4 of 45 after 48 h',
    facts: waited,
    evidence: step45(4),
    verdict: 'waiting_for_person',
    reasons: ['fail_ratio', 'doubt'],
  },
  { row: 9, situation: 'exactly 2 %: 1 of 50', facts: over, evidence: of(1, 50), verdict: 'advance' },
  {
    row: 10,
    situation: 'one device fails 10 times, 99 are fine',
    facts: over,
    evidence: of(1, 100),
    verdict: 'advance',
  },
  {
    row: 11,
    situation: 'first sha256_mismatch, our stored APK is wrong',
    facts: someFacts({ exposureMs: 0 }),
    evidence: anEvidence({ taken: 1, verifyFail: 1, open: 44 }, { ownApkWrong: true }),
    verdict: 'halt',
    reasons: ['artifact_missing'],
  },
  {
    row: 12,
    situation: 'first sha256_mismatch of 100, ours is right',
    facts: over,
    evidence: anEvidence({ taken: 100, ok: 99, verifyFail: 1, followed: 100 }),
    verdict: 'hold',
    reasons: ['verify_failures'],
  },
  {
    row: 12,
    situation: 'the same after 48 h',
    facts: waited,
    evidence: anEvidence({ taken: 100, ok: 99, verifyFail: 1, followed: 100 }),
    verdict: 'advance',
    reasons: ['verify_failures', 'max_wait'],
  },
  {
    row: 13,
    situation: 'second device with a mismatch among 100',
    facts: someFacts({ exposureMs: HOUR_MS }),
    evidence: anEvidence({ taken: 100, ok: 98, verifyFail: 2 }),
    verdict: 'halt',
    reasons: ['verify_failures'],
  },
  {
    row: 15,
    situation: '30 devices download_failed, none judged',
    facts: over,
    evidence: anEvidence({ open: 45 }, { neutral: { download_failed: 30 } }),
    verdict: 'hold',
    reasons: ['too_few_reports', 'too_little_follow_up'],
  },
  {
    row: 15,
    situation: 'the same after 48 h',
    facts: waited,
    evidence: anEvidence({ open: 45 }, { neutral: { download_failed: 30 } }),
    verdict: 'waiting_for_person',
    reasons: ['too_few_reports', 'too_little_follow_up', 'no_data'],
  },
  {
    row: 16,
    situation: 'all deferred',
    facts: over,
    evidence: anEvidence({ deferred: 45 }, { neutral: { wifi: 45 } }),
    verdict: 'hold',
  },
  {
    row: 16,
    situation: 'deferred devices are not needed: 10 took it, 35 defer',
    facts: over,
    evidence: anEvidence({ taken: 10, ok: 10, followed: 10, deferred: 35 }),
    verdict: 'advance',
  },
  {
    row: 17,
    situation: 'nobody can take it in this step, nobody took it before',
    facts: over,
    evidence: NO_EVIDENCE,
    verdict: 'hold',
  },
  {
    row: 17,
    situation: 'nobody can take it in this step, the steps before have enough',
    facts: over,
    evidence: { ...NO_EVIDENCE, cohort: anEvidence({ taken: 45, ok: 40, followed: 40 }).cohort },
    verdict: 'advance',
  },
  {
    row: 17,
    situation: 'nobody can take it in this step, the steps before have too little',
    facts: over,
    evidence: { ...NO_EVIDENCE, cohort: anEvidence({ taken: 45, ok: 20, followed: 20 }).cohort },
    verdict: 'hold',
  },
  {
    row: 18,
    situation: '8 of 9 silent, the control is calm, first look',
    facts: someFacts({ exposureMs: 24 * HOUR_MS, upMs: 100 * HOUR_MS }),
    evidence: silent(8, 9, { control: calm }),
    verdict: 'hold',
  },
  {
    row: 18,
    situation: 'the second look, one poll later',
    facts: someFacts({ exposureMs: 30 * HOUR_MS, upMs: 106 * HOUR_MS }),
    evidence: silent(8, 9, { control: calm }),
    memory: { silenceSinceMs: 100 * HOUR_MS },
    verdict: 'halt',
    reasons: ['silence'],
  },
  {
    row: 19,
    situation: 'the whole fleet is silent',
    facts: someFacts({ exposureMs: 30 * HOUR_MS, upMs: 106 * HOUR_MS }),
    evidence: silent(9, 9, { control: { devices: 2_000, silent: 1_280 } }),
    memory: { silenceSinceMs: 100 * HOUR_MS },
    verdict: 'hold',
    reasons: ['starved', 'silence'],
  },
  {
    row: 20,
    situation: 'the step at 50 % bricks all that take it',
    facts: someFacts({ exposureMs: 30 * HOUR_MS, upMs: 106 * HOUR_MS }),
    evidence: silent(900, 2_000, { control: calm }),
    memory: { silenceSinceMs: 100 * HOUR_MS },
    verdict: 'halt',
    reasons: ['silence'],
  },
  {
    row: 21,
    situation: '100 % is done, 30 % are off over a weekend',
    facts: last,
    evidence: silent(1_350, 4_500, {}),
    verdict: 'advance',
    reasons: [],
  },
  {
    row: 22,
    situation: 'a lab of 12 canaries is off: they are in no count of silence or follow-up',
    facts: over,
    evidence: anEvidence(
      { taken: 45, ok: 45, followed: 45 },
      { canary: { taken: 12, fail: 0, verifyFail: 0 }, control: calm },
    ),
    verdict: 'advance',
  },
  {
    row: 23,
    situation: '10 of 10 canaries fail before the start',
    facts: someFacts({ exposureMs: 0, holdMs: Number.POSITIVE_INFINITY }),
    evidence: { ...NO_EVIDENCE, canary: { taken: 10, fail: 10, verifyFail: 0 } },
    verdict: 'halt',
    reasons: ['canary_failures'],
  },
  {
    row: 24,
    situation: 'the controller was down for a week: neither exposure nor silence aged',
    facts: someFacts({ exposureMs: 3 * HOUR_MS, upMs: 3 * HOUR_MS }),
    evidence: step45(0, 40, 0),
    verdict: 'counting',
  },
  {
    row: 27,
    situation: 'the clock is two days ahead and held',
    facts: waited,
    evidence: { ...step45(0), clockHeld: true },
    verdict: 'hold',
    reasons: ['clock_held'],
  },
  {
    row: 27,
    situation: 'a held clock does not halt either',
    facts: waited,
    evidence: { ...of(50, 50), clockHeld: true },
    verdict: 'hold',
  },
  {
    row: 35,
    situation: 'resumed after 5 of 50: the same evidence does not halt again',
    facts: someFacts({ exposureMs: HOUR_MS, lift: liftOf(DEFAULT_GATE, of(5, 50)) }),
    evidence: of(5, 50),
    verdict: 'hold',
    reasons: ['fail_ratio'],
  },
  {
    row: 35,
    situation: 'a second breach halts again',
    facts: someFacts({ exposureMs: HOUR_MS, lift: liftOf(DEFAULT_GATE, of(5, 50)) }),
    evidence: of(9, 60),
    verdict: 'halt',
    reasons: ['install_failures'],
  },
  {
    row: 38,
    situation: 'late failures after 100 %',
    facts: last,
    evidence: of(200, 4_500),
    verdict: 'halt',
    reasons: ['install_failures'],
  },
];

const judge = ({ facts, evidence, memory = {} }: Row): Judgement =>
  judgeStep(DEFAULT_GATE, facts, evidence, memory);

for (const row of ROWS)
  test(`row ${row.row}: ${row.situation}: ${row.verdict}`, () => {
    const { verdict, reasons } = judge(row);
    assert.is(verdict, row.verdict, reasons.join(' '));
    if (row.reasons !== undefined) assert.equal(reasons, row.reasons);
  });

for (const [row, fail, taken, limit, expected] of [
  [4, 1, 1, 0.02, 7.8],
  [5, 2, 2, 0.02, 94],
  [6, 2, 42, 0.02, 0.8],
  [8, 5, 50, 0.02, 23],
  [8, 4, 50, 0.02, 5.6],
  [8, 4, 45, 0.02, 7.7],
  [12, 1, 100, 0.001, 2.8],
  [13, 2, 100, 0.001, 29],
] as const)
  test(`row ${row}: the evidence of ${fail} in ${taken} is ${expected}`, () => {
    assert.ok(Math.abs(eValue(fail, taken, limit) / expected - 1) < 0.06);
  });

test('row 19: a control of which more than half is silent is starved, whatever its check-ins promise', () => {
  assert.ok(isStarved({ ...NO_EVIDENCE, control: { devices: 2_000, silent: 1_280 } }));
  assert.not(isStarved({ ...NO_EVIDENCE, control: { devices: 19, silent: 19 } }));
});

test.run();
