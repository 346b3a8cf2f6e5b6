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

/**
 * What a commit leaves of the halts of the build that it makes `current`. A halt ends when a commit widens after an earlier
 * applied commit has declared it. A manual brake also ends when a commit leaves no device to stop. When a commit names
 * another `current`, the store ends the manual brakes of the earlier build.
 */
export function haltsAfter(after: Rollout, halts: readonly Halt[]): Halt[] {
  const closed = isClosedByGit(after);
  const ends = ({ kind, declared }: Halt): boolean =>
    (kind === 'hand' && isAsNarrowByGit(after)) || (declared && !closed);
  return halts.filter(halt => !ends(halt)).map(halt => (closed ? { ...halt, declared: true } : halt));
}
