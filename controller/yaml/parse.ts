/**
 * Turns the files of `releases/` at one revision into the desired state, or into all their problems, each with file,
 * line and column (SPEC §2). Pure; never throws on any bytes.
 */
import type { BuildId } from '../domain/ids.ts';
import { type Finding, type Problem, renderPath } from '../domain/problem.ts';
import type { Build, Cohort, DesiredState, Policy, Rollout } from '../domain/release.ts';
import { checkBuildSet, checkState, ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { RuleTimes } from '../domain/rules/times.ts';
import type { Standing } from '../domain/standing.ts';
import type { SourceFile } from '../ports/index.ts';
import { type FileReading, readFiles } from './files.ts';
import type { DataPath, Place } from './place.ts';
import { judgeStrictFinding } from './strictness.ts';

interface ParsedTree {
  /** Undefined if there is any error. */
  readonly state: DesiredState | undefined;
  readonly problems: Problem[];
  /** The place of a path. A missing path gets the place of its nearest existing parent; an unknown file, its first line. */
  locate(file: string, path: DataPath): Place;
}

export interface ParsedState {
  /** Undefined if there is any error. Warnings do not matter. */
  readonly state: DesiredState | undefined;
  /** Errors and warnings, sorted by file, line, column. */
  readonly problems: Problem[];
}

/** Checks each file separately: YAML, schema, names, secrets. */
export function parseTree(files: readonly SourceFile[]): ParsedTree {
  const reading = readFiles(files);
  const draft = draftOf(reading);
  const whole = reading.problems.length === 0 && draft.rollout !== undefined;
  return {
    state: whole ? stateOf(draft, draft.rollout) : undefined,
    problems: sorted(reading.problems),
    locate: (file, path) => locateIn(reading, file, path),
  };
}

/**
 * Checks each file separately, the rules between files, and the change from `base`. If one file is broken, the rest is
 * still checked, so that one run shows all problems.
 */
export function parseState(
  tree: { readonly files: readonly SourceFile[] },
  base: Standing | undefined,
  times: RuleTimes,
): ParsedState {
  const reading = readFiles(tree.files);
  const draft = draftOf(reading);
  const findings = [
    ...reading.strictFindings.map(s => judgeStrictFinding(s, base)),
    ...(draft.rollout === undefined
      ? checkBuildSet(draft.builds, base)
      : checkState(stateOf(draft, draft.rollout), base, times).filter(f => !echoes(f, draft, reading))),
  ];
  const problems = sorted([...reading.problems, ...findings.map(f => placed(f, reading))]);
  const valid = problems.every(p => p.severity === 'warning') && draft.rollout !== undefined;
  return { state: valid ? stateOf(draft, draft.rollout) : undefined, problems };
}

/** Adds lines and columns to the findings of policy and admission. */
export function placeFindings(files: readonly SourceFile[], findings: readonly Finding[]): Problem[] {
  if (findings.length === 0) return [];
  const reading = readFiles(files);
  return findings.map(finding => placed(finding, reading));
}

interface Draft {
  readonly rollout: Rollout | undefined;
  readonly builds: ReadonlyMap<BuildId, Build>;
  readonly cohorts: ReadonlyMap<string, Cohort>;
  readonly policy: Policy | undefined;
}

function draftOf({ declared }: FileReading): Draft {
  const builds = new Map<BuildId, Build>();
  const cohorts = new Map<string, Cohort>();
  let rollout: Rollout | undefined;
  let policy: Policy | undefined;
  for (const one of declared) {
    if (one.kind === 'Rollout') rollout = one.value;
    else if (one.kind === 'Policy') policy = one.value;
    else if (one.kind === 'Build') builds.set(one.value.buildId, one.value);
    else cohorts.set(one.value.name, one.value);
  }
  return { rollout, builds, cohorts, policy };
}

const stateOf = (draft: Draft, rollout: Rollout): DesiredState => ({ ...draft, rollout });

/** Whether the finding only repeats that the file of a build or cohort is broken, which is already reported. */
function echoes(finding: Finding, { rollout }: Draft, { broken }: FileReading): boolean {
  const [first, , index] = finding.path;
  if (rollout === undefined || finding.file !== ROLLOUT_FILE) return false;
  if (finding.code === 'unknown_build')
    return broken.has(`builds/${first === 'current' ? rollout.current : rollout.lastSafe}.yaml`);
  if (finding.code === 'unknown_cohort')
    return broken.has(`cohorts/${rollout.canary.cohorts[Number(index)]}.yaml`);
  return false;
}

const locateIn = ({ places }: FileReading, file: string, path: DataPath): Place =>
  places.get(file)?.value(path) ?? { line: 1, column: 1 };

const placed = (finding: Finding, reading: FileReading): Problem => ({
  ...finding,
  ...locateIn(reading, finding.file, finding.path),
  path: renderPath(finding.path),
});

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

const sorted = (problems: readonly Problem[]): Problem[] =>
  [...problems].sort(
    (a, b) => compare(a.file, b.file) || compare(a.line, b.line) || compare(a.column, b.column),
  );
