/** Makers of findings and of their places. */
import type { BuildId } from '../ids.ts';
import type { Finding, ProblemCode } from '../problem.ts';

export const ROLLOUT_FILE = 'rollout.yaml';
export const buildFile = (buildId: BuildId): string => `builds/${buildId}.yaml`;

type Path = readonly (string | number)[];

interface FindingPlace {
  readonly file: string;
  readonly path: Path;
}

export const inRollout = (...path: Path): FindingPlace => ({ file: ROLLOUT_FILE, path });
export const inBuild = (buildId: BuildId, ...path: Path): FindingPlace => ({
  file: buildFile(buildId),
  path,
});
export const inCohort = (name: string, ...path: Path): FindingPlace => ({
  file: `cohorts/${name}.yaml`,
  path,
});

const finding =
  (severity: Finding['severity']) =>
  (code: ProblemCode, place: FindingPlace, message: string, hint?: string): Finding => ({
    severity,
    code,
    ...place,
    message,
    hint,
  });

export const error = finding('error');
export const warning = finding('warning');
