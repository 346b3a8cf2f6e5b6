/** Builders of facts and evidence for a gate: a step of 1 % with a hold of 12 h, of which all exposed devices are new. */
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { type CohortTakers, type Evidence, NO_EVIDENCE } from '../../controller/domain/gate/evidence.ts';
import type { StepFacts } from '../../controller/domain/gate/judge-step.ts';

export const someFacts = (over: Partial<StepFacts> = {}): StepFacts => ({
  exposureMs: 0,
  holdMs: 12 * HOUR_MS,
  next: { percent: 5, approval: false },
  approvedPercent: undefined,
  resumed: false,
  upMs: 0,
  pollMs: 6 * HOUR_MS,
  lift: undefined,
  ...over,
});

/** All of the cohort was newly exposed in this step. */
export function anEvidence(cohort: Partial<CohortTakers>, over: Partial<Evidence> = {}): Evidence {
  const all = { ...NO_EVIDENCE.cohort, ...cohort };
  const { takenLongAgo: _, silent: __, ...step } = all;
  return { ...NO_EVIDENCE, cohort: all, step, ...over };
}

/** The hold of 12 h is over; after 60 h the waiting for evidence is over too. */
export const holdOver = someFacts({ exposureMs: 12 * HOUR_MS });
export const waitOver = someFacts({ exposureMs: 60 * HOUR_MS });

/** A step of 45 devices that all took the build and run it. */
export const good = anEvidence({ taken: 45, ok: 45, followed: 45 });
