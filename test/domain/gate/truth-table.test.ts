/** Rows 1 to 17 of the truth table of GATES.md §7: the hold, failures, wrong bytes, and too few reports. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../../controller/domain/duration.ts';
import { eValue } from '../../../controller/domain/gate/e-value.ts';
import { NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import { anEvidence, holdOver as over, someFacts, waitOver as waited } from '../../support/gate.ts';
import { failed, type Row, step45, testRows } from '../../support/truth-table.ts';

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
  { row: 8, situation: '5 of 50', facts: over, evidence: failed(5, 50), verdict: 'halt' },
  { row: 8, situation: '4 of 50', facts: over, evidence: failed(4, 50), verdict: 'hold' },
  { row: 8, situation: '4 of 50 after 48 h', facts: waited, evidence: failed(4, 50), verdict: 'advance' },
  {
    row: 8,
    situation: '4 of 45 after 48 h',
    facts: waited,
    evidence: step45(4),
    verdict: 'waiting_for_person',
    reasons: ['fail_ratio', 'doubt'],
  },
  { row: 9, situation: 'exactly 2 %: 1 of 50', facts: over, evidence: failed(1, 50), verdict: 'advance' },
  {
    row: 10,
    situation: 'one device fails 10 times, 99 are fine',
    facts: over,
    evidence: failed(1, 100),
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
];

testRows(ROWS);

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

test.run();
