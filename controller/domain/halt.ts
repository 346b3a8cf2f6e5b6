/**
 * A halt stops a build without a commit: a gate was breached, or a person pulled the brake. It only narrows: no device,
 * canaries included, is offered `current`; devices that have it keep it (GATES §3, §6).
 */
import type { Evidence } from './gate/evidence.ts';
import type { Figures } from './gate/judge-step.ts';
import type { Reason } from './gate/verdict.ts';
import type { BuildId } from './ids.ts';
import type { Rollout } from './release.ts';

export interface Halt {
  /** Primary key of the row. */
  readonly id: number;
  readonly buildId: BuildId;
  /** `lost`: the store has no row of the ramp, so a halt may be lost too; `current` is not offered until this is resolved. */
  readonly kind: 'gate' | 'hand' | 'lost';
  /** `rollback`: decides like `rollback: true`. */
  readonly mode: 'halt' | 'rollback';
  readonly atMs: number;
  /** `gate`, `github`, or `admin:<token name>`. */
  readonly by: string;
  readonly reason: string;
  /** An applied revision has since declared the same in Git; the next one that widens lifts the halt. */
  readonly declared: boolean;
  /** The pull request that says the same in rollout.yaml. */
  readonly pullUrl?: string | undefined;
}

/** The evidence behind a gate's halt. */
export interface HaltEvidence {
  readonly reasons: readonly Reason[];
  readonly figures: Figures | undefined;
  readonly evidence: Evidence;
  readonly step: number;
}

/** The halt to show: a gate's halt carries more information than a manual brake, and needs more to end. */
export const haltIn = (halts: readonly Halt[]): Halt | undefined =>
  halts.find(halt => halt.kind === 'gate') ?? halts[0];

/** True if this rollout gives `current` to no device, canaries aside. */
export const isClosedByGit = ({ rollback, exposure }: Rollout): boolean =>
  rollback || (exposure.kind === 'percent' && exposure.percent === 0);

/** As above, canaries included: a brake has nothing left to stop. */
const isAsNarrowByGit = (rollout: Rollout): boolean => {
  const { tags, devices, cohorts } = rollout.canary;
  return rollout.rollback || (isClosedByGit(rollout) && tags.length + devices.length + cohorts.length === 0);
};

export interface HaltsAfter {
  /** Of the build that is `current` now. */
  readonly halts: readonly Halt[];
  /** Halts that the commit ends, each with the reason. */
  readonly ended: readonly { readonly id: number; readonly why: string }[];
}

/**
 * What a commit does to the halts of its `current`. A halt ends when a commit widens after an earlier applied commit has
 * declared it. A manual brake also ends when a commit leaves no device to stop, or names another `current`.
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
