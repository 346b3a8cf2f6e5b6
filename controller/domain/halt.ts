/**
 * What stops a build without a commit: a gate that was breached, or a person's brake. It only ever narrows: nobody is
 * offered `current`, canaries included, and nobody who has it is touched (GATES §3, §6).
 */
import type { Evidence } from './gate/evidence.ts';
import type { Figures } from './gate/judge-step.ts';
import type { Reason } from './gate/verdict.ts';
import type { BuildId } from './ids.ts';
import type { Rollout } from './release.ts';

export interface Halt {
  /** Of its row. */
  readonly id: number;
  readonly buildId: BuildId;
  /** `lost`: the store has no row of the ramp, so a halt may have been lost with it; until that is known nobody is offered it. */
  readonly kind: 'gate' | 'hand' | 'lost';
  /** `rollback`: decides as `rollback: true` would. */
  readonly mode: 'halt' | 'rollback';
  readonly atMs: number;
  /** `gate`, `github`, or `admin:<token name>`. */
  readonly by: string;
  readonly reason: string;
  /** An applied revision has said the same since: the next one that widens lifts it. */
  readonly declared: boolean;
  /** The pull request that says the same in rollout.yaml. */
  readonly pullUrl?: string | undefined;
}

/** What a gate's halt was decided on. */
export interface HaltEvidence {
  readonly reasons: readonly Reason[];
  readonly figures: Figures | undefined;
  readonly evidence: Evidence;
  readonly step: number;
}

/** A gate's halt says more than a hand on the brake, and needs more to end. */
export const haltIn = (halts: readonly Halt[]): Halt | undefined =>
  halts.find(halt => halt.kind === 'gate') ?? halts[0];

/** Nobody is meant to get `current` by this rollout. */
export const isClosedByGit = ({ rollback, exposure }: Rollout): boolean =>
  rollback || (exposure.kind === 'percent' && exposure.percent === 0);

/** The same for canaries, too: there is nothing left that a brake could stop. */
const isAsNarrowByGit = (rollout: Rollout): boolean => {
  const { tags, devices, cohorts } = rollout.canary;
  return rollout.rollback || (isClosedByGit(rollout) && tags.length + devices.length + cohorts.length === 0);
};

export interface HaltsAfter {
  /** Of the build that is `current` now. */
  readonly halts: readonly Halt[];
  /** Rows that the commit itself ends, with why. */
  readonly ended: readonly { readonly id: number; readonly why: string }[];
}

/**
 * What a commit does to the halts of its `current`. A halt ends by a commit that widens after an applied one has declared
 * it; a hand brake also by one that leaves nobody to stop, or by another `current`. No other commit ends anything.
 */
export function haltsAfter(
  before: { readonly rollout: Rollout; readonly halts: readonly Halt[] } | undefined,
  after: Rollout,
  kept: readonly Halt[],
): HaltsAfter {
  const closed = isClosedByGit(after);
  const left = (before?.halts ?? []).filter(h => h.buildId !== after.current && h.kind === 'hand');
  const ended = left.map(h => ({ id: h.id, why: `another current: ${after.current}` }));
  const halts: Halt[] = [];
  for (const halt of kept) {
    if (halt.kind === 'hand' && isAsNarrowByGit(after)) ended.push({ id: halt.id, why: 'Git says the same' });
    else if (halt.declared && !closed)
      ended.push({ id: halt.id, why: 'a commit widened after one that declared it' });
    else halts.push(closed ? { ...halt, declared: true } : halt);
  }
  return { halts, ended };
}
