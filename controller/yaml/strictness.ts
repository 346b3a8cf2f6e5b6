/**
 * Content that earlier versions accepted and this one refuses. It is an error only in new content. In merged content, or
 * in a change back to it, it is a warning, so that an upgrade does not block a rollout.
 */
import type { Kind } from '../domain/layout.ts';
import { type Finding, renderPath } from '../domain/problem.ts';
import { isSameContent, type Rollout } from '../domain/release.ts';
import type { Standing } from '../domain/standing.ts';
import type { Declared } from './declared.ts';
import type { AmbiguousNumber } from './number.ts';

export interface StrictFinding {
  readonly finding: Omit<Finding, 'severity'>;
  /** Whether the merged state already contains this. */
  readonly stands: (standing: Standing) => boolean;
}

/** Without a merged state old content cannot be told from new, so the finding is a warning. */
export const judgeStrictFinding = (
  { finding, stands }: StrictFinding,
  standing: Standing | undefined,
): Finding => ({
  ...finding,
  severity: standing === undefined || stands(standing) ? 'warning' : 'error',
});

export const strictNumberFinding = (
  file: string,
  declared: Declared,
  { path, source, value }: AmbiguousNumber,
): StrictFinding => ({
  finding: {
    code: 'ambiguous_number',
    file,
    path,
    message: `${renderPath(path)} is written as ${source}, which tools that follow YAML 1.1 read as another value`,
    hint: `write ${value}`,
  },
  stands: standing => STANDS[declared.kind](declared, standing, path, value),
});

type Stands = (declared: Declared, standing: Standing, path: Finding['path'], value: number) => boolean;

const STANDS: Readonly<Record<Kind, Stands>> = {
  // The facts of a build cannot be edited after it was applied, and neither can their spelling.
  Build: (declared, { state, formerBuilds }) =>
    declared.kind === 'Build' &&
    (state.builds.has(declared.value.buildId) || formerBuilds.has(declared.value.buildId)),
  Rollout: (_declared, { state }, path, value) => numberIn(state.rollout, path) === value,
  Policy: (declared, { state }) => isSameContent(declared.value, state.policy),
  Cohort: () => false,
};

function numberIn({ exposure, minBatteryPercent }: Rollout, path: Finding['path']): number | undefined {
  const [key, , index] = path;
  switch (key) {
    case 'rollout_percent':
      return exposure.kind === 'percent' ? exposure.percent : undefined;
    case 'min_battery_percent':
      return minBatteryPercent;
    case 'ramp':
      return exposure.kind === 'ramp' ? exposure.ramp.steps[Number(index)]?.percent : undefined;
    default:
      return undefined;
  }
}
