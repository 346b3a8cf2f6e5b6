/**
 * The rules that no schema can express (SPEC §2): between files, between fields, and against the revision before.
 * Pure. All problems are returned at once, with file and path.
 */
import type { BuildId } from '../ids.ts';
import { nearest } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import { finalPercent } from '../ramp/progress.ts';
import type { Build, DesiredState } from '../release.ts';
import type { Standing } from '../standing.ts';
import { versionNameFault } from '../version-name.ts';
import { checkBuildFacts, checkChange } from './change.ts';
import { error, inBuild, inCohort, inRollout, warning } from './finding.ts';
import { checkApproval, checkGate, warnExposure } from './gate.ts';
import { checkStart, warnRamp } from './ramp.ts';
import { checkFlags, checkPair, checkRamp } from './rollout.ts';
import type { RuleTimes } from './times.ts';

export { buildFile, ROLLOUT_FILE } from './finding.ts';

/** Every finding for a parsed state. `base` undefined: there is nothing to compare with. */
export function checkState(head: DesiredState, base: Standing | undefined, times: RuleTimes): Finding[] {
  return [
    ...checkBuildSet(head.builds, base),
    ...checkPackages(head),
    ...checkReferences(head),
    ...checkRamp(head.rollout),
    ...checkPair(head),
    ...checkFlags(head),
    ...(base === undefined ? [] : checkChange(head, base)),
    ...checkStart(head, base, times),
    ...checkGate(head, times),
    ...checkApproval(head, base),
    ...warnRamp(head, base, times),
    ...warnExposure(head, base),
    ...warn(head, times.nowMs),
  ];
}

/** Rules on the builds alone, used if the rollout cannot be read. */
export function checkBuildSet(builds: ReadonlyMap<BuildId, Build>, base: Standing | undefined): Finding[] {
  return [
    ...checkCase(builds, base),
    ...checkVersionNames(builds, base),
    ...checkUnique(builds, withdrawnBefore(builds, base)),
    ...(base === undefined ? [] : checkBuildFacts(builds, base)),
  ];
}

/** The same limits as for the versionName of an APK. A warning for builds that were declared before. */
function* checkVersionNames(
  builds: ReadonlyMap<BuildId, Build>,
  base: Standing | undefined,
): Generator<Finding> {
  for (const { buildId, versionName } of builds.values()) {
    const fault = versionNameFault(versionName);
    if (fault === undefined) continue;
    const isNew = base !== undefined && !base.state.builds.has(buildId) && !base.formerBuilds.has(buildId);
    yield (isNew ? error : warning)(
      'version_name_invalid',
      inBuild(buildId, 'version_name'),
      `version_name cannot be used: ${fault}`,
      'set versionName in the APK to printable text, and declare the APK again with `ota build add`',
    );
  }
}

/** File systems that ignore case keep only one of `b42.yaml` and `B42.yaml`. Only a warning for files already applied. */
function* checkCase(builds: ReadonlyMap<BuildId, Build>, base: Standing | undefined): Generator<Finding> {
  const groups = new Map<string, BuildId[]>();
  for (const id of [...builds.keys()].sort()) {
    const key = id.toLowerCase();
    groups.set(key, [...(groups.get(key) ?? []), id]);
  }
  const isNew = (id: BuildId): boolean =>
    base !== undefined && !base.state.builds.has(id) && !base.formerBuilds.has(id);
  for (const [first, ...others] of groups.values()) {
    if (first === undefined || others.length === 0) continue;
    const all = [first, ...others];
    const fresh = all.find(isNew);
    const told = fresh === undefined ? warning : error;
    yield told(
      'build_id_case',
      inBuild(fresh ?? first, 'build_id'),
      `build ids ${all.join(' and ')} differ only in case, so many file systems hold one file for both`,
      'give one of them another id',
    );
  }
}

/** Withdrawn builds whose files are gone: neither their APK nor their version may return under another name. */
function withdrawnBefore(builds: ReadonlyMap<BuildId, Build>, base: Standing | undefined): Build[] {
  if (base === undefined) return [];
  const known = [...base.formerBuilds.values(), ...base.state.builds.values()];
  return known.filter(b => b.withdrawn !== undefined && !builds.has(b.buildId));
}

function* checkUnique(builds: ReadonlyMap<BuildId, Build>, gone: readonly Build[]): Generator<Finding> {
  const byCode = new Map(gone.map(b => [b.versionCode, b.buildId]));
  const bySha = new Map(gone.map(b => [b.sha256, b.buildId]));
  for (const { buildId, versionCode, sha256 } of builds.values()) {
    const sameCode = byCode.get(versionCode);
    if (sameCode !== undefined)
      yield error(
        'duplicate_version_code',
        inBuild(buildId, 'version_code'),
        `version_code ${versionCode} is already taken by build ${sameCode}`,
        'devices compare builds by version_code: give each build its own',
      );
    const sameSha = bySha.get(sha256);
    if (sameSha !== undefined)
      yield error(
        'duplicate_sha256',
        inBuild(buildId, 'sha256'),
        `the same APK is already declared as build ${sameSha}`,
        'one APK is one build: remove one of the files',
      );
    byCode.set(versionCode, sameCode ?? buildId);
    bySha.set(sha256, sameSha ?? buildId);
  }
}

/** A different package would be installed beside the agent instead of updating it. */
function* checkPackages({ rollout, builds }: DesiredState): Generator<Finding> {
  const current = builds.get(rollout.current);
  if (current === undefined) return;
  for (const build of builds.values())
    if (build.package !== current.package)
      yield error(
        'package_differs',
        inBuild(build.buildId, 'package'),
        `package ${build.package} differs from ${current.package}, the package of current ${current.buildId}`,
        'all builds of a fleet need the same package: Android would install a second app instead of updating the first',
      );
}

const LISTED = 8;

function didYouMean(name: string, kind: string, known: Iterable<string>): string {
  const names = [...known].sort();
  const near = nearest(name, names);
  if (near !== undefined) return `did you mean ${near}?`;
  const more = names.length > LISTED ? `, and ${names.length - LISTED} more` : '';
  return `declared ${kind}: ${names.slice(-LISTED).join(', ') || 'none'}${more}`;
}

function* checkReferences({ rollout, builds, cohorts }: DesiredState): Generator<Finding> {
  for (const [key, buildId] of [
    ['current', rollout.current],
    ['last_safe', rollout.lastSafe],
  ] as const)
    if (buildId !== undefined && !builds.has(buildId))
      yield error(
        'unknown_build',
        inRollout(key),
        `no build ${buildId} is declared under builds/`,
        didYouMean(buildId, 'builds', builds.keys()),
      );
  for (const [index, name] of rollout.canary.cohorts.entries())
    if (!cohorts.has(name))
      yield error(
        'unknown_cohort',
        inRollout('canary', 'cohorts', index),
        `no cohort ${name} is declared under cohorts/`,
        didYouMean(name, 'cohorts', cohorts.keys()),
      );
}

function* warn({ rollout, builds, cohorts }: DesiredState, nowMs: number): Generator<Finding> {
  const { suspend } = rollout;
  const current = builds.get(rollout.current);
  const lastSafe = rollout.lastSafe === undefined ? undefined : builds.get(rollout.lastSafe);
  if (suspend !== undefined && suspend.untilMs <= nowMs)
    yield warning(
      'suspend_expired',
      inRollout('suspend', 'until'),
      'this suspend has expired and has no effect',
      'remove it',
    );
  if (lastSafe?.withdrawn !== undefined)
    yield warning(
      'last_safe_withdrawn',
      inRollout('last_safe'),
      rollout.rollback
        ? `last_safe ${lastSafe.buildId} is withdrawn, so this rollback offers nothing to any device`
        : `last_safe ${lastSafe.buildId} is withdrawn, so devices outside the rollout are offered nothing`,
      'name a build that is still good',
    );
  if (current?.withdrawn !== undefined && !rollout.rollback && finalPercent(rollout) > 0)
    yield warning(
      'current_withdrawn',
      inRollout('current'),
      `current ${current.buildId} is withdrawn, so it is offered to no device`,
      'promote another build, or set rollback: true',
    );
  if (rollout.rollback && suspend !== undefined && suspend.untilMs > nowMs)
    yield warning(
      'rollback_while_suspended',
      inRollout('suspend'),
      'offers are suspended, so this rollback offers nothing yet',
      'remove suspend to let the rollback take effect',
    );
  for (const name of cohorts.keys())
    if (!rollout.canary.cohorts.includes(name))
      yield warning(
        'cohort_unused',
        inCohort(name),
        `cohort ${name} is not named in rollout.yaml`,
        'name it under canary.cohorts, or remove the file',
      );
}
