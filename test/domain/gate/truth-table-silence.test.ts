/** Rows 18 to 38 of the truth table of GATES.md §7: silence, canaries, time, lifts, and failures after the last step. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../../controller/domain/duration.ts';
import { type Evidence, NO_EVIDENCE } from '../../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import { isStarved, liftOf } from '../../../controller/domain/gate/proof.ts';
import { anEvidence, holdOver as over, someFacts, waitOver as waited } from '../../support/gate.ts';
import { failed, type Row, step45, testRows } from '../../support/truth-table.ts';

const last = someFacts({ next: undefined, holdMs: undefined, exposureMs: 24 * HOUR_MS });
const silent = (count: number, taken: number, over: Partial<Evidence>): Evidence =>
  anEvidence({ taken, ok: taken - count, followed: taken - count, takenLongAgo: taken, silent: count }, over);
const calm = { devices: 2_000, silent: 1 };

const ROWS: readonly Row[] = [
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
    evidence: { ...failed(50, 50), clockHeld: true },
    verdict: 'hold',
  },
  {
    row: 35,
    situation: 'resumed after 5 of 50: the same evidence does not halt again',
    facts: someFacts({ exposureMs: HOUR_MS, lift: liftOf(DEFAULT_GATE, failed(5, 50)) }),
    evidence: failed(5, 50),
    verdict: 'hold',
    reasons: ['fail_ratio'],
  },
  {
    row: 35,
    situation: 'a second breach halts again',
    facts: someFacts({ exposureMs: HOUR_MS, lift: liftOf(DEFAULT_GATE, failed(5, 50)) }),
    evidence: failed(9, 60),
    verdict: 'halt',
    reasons: ['install_failures'],
  },
  {
    row: 38,
    situation: 'late failures after 100 %',
    facts: last,
    evidence: failed(200, 4_500),
    verdict: 'halt',
    reasons: ['install_failures'],
  },
];

testRows(ROWS);

test('row 19: a control of which more than half is silent is starved, whatever its check-ins promise', () => {
  assert.ok(isStarved({ ...NO_EVIDENCE, control: { devices: 2_000, silent: 1_280 } }));
  assert.not(isStarved({ ...NO_EVIDENCE, control: { devices: 19, silent: 19 } }));
});

test.run();
