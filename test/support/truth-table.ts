/** Rows of the truth table of GATES.md §7 as tests: limit 2 %, verify 1, silence 2 % after 18 h, 50 reports, 48 h of waiting. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Evidence } from '../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { judgeStep, type LookMemory, type StepFacts } from '../../controller/domain/gate/judge-step.ts';
import type { Reason, Verdict } from '../../controller/domain/gate/verdict.ts';
import { anEvidence } from './gate.ts';

export interface Row {
  readonly row: number;
  readonly situation: string;
  readonly facts: StepFacts;
  readonly evidence: Evidence;
  readonly memory?: LookMemory;
  readonly verdict: Verdict;
  readonly reasons?: readonly Reason[];
}

/** A step of 45 that all took, with as many judged and followed as said. */
export const step45 = (fail: number, judged = 45, followed = 45): Evidence =>
  anEvidence({ taken: 45, ok: judged - fail, fail, followed });
export const failed = (fail: number, taken: number, over: Partial<Evidence> = {}): Evidence =>
  anEvidence({ taken, ok: taken - fail, fail, followed: taken }, over);

/** One test a row. */
export function testRows(rows: readonly Row[]): void {
  for (const { row, situation, facts, evidence, memory = {}, ...expected } of rows)
    test(`row ${row}: ${situation}: ${expected.verdict}`, () => {
      const { verdict, reasons } = judgeStep(DEFAULT_GATE, facts, evidence, memory);
      assert.is(verdict, expected.verdict, reasons.join(' '));
      if (expected.reasons !== undefined) assert.equal(reasons, expected.reasons);
    });
}
