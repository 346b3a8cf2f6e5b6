/**
 * The rules that no schema can say (SPEC §2): between files, between fields, and against the revision before.
 * Pure: everything wrong is returned at once, placed by file and path.
 */
import type { BuildId } from './ids.ts';
import type { Finding, ProblemCode } from './problem.ts';
import { elapsedMs, finalPercent, newClock, percentAt, type RampClock, stepAt } from './ramp.ts';
import { allSigners, type Build, type DesiredState, type Rollout } from './release.ts';

const DAY_MS = 86_400_000;
const MAX_START_AHEAD_MS = 14 * DAY_MS;

/** What stands now: the applied revision in the controller, the base branch in CI. */
export interface Base {
  readonly state: DesiredState;
  readonly clock: RampClock;
  /** Builds that were merged once and whose files are gone: an id returns only with the same facts. */
  readonly formerBuilds: ReadonlyMap<BuildId, Build>;
}

/** `nowMs` judges expiry and, unless `introducedAtMs` is given, the ramp's start. */
export interface RuleTimes {
  readonly nowMs: number;
  /** Without a base: when the revision that introduced this ramp was committed; undefined: starts are not judged. */
  readonly introducedAtMs?: number | undefined;
}

export const ROLLOUT_FILE = 'rollout.yaml';
export const buildFile = (buildId: BuildId): string => `builds/${buildId}.yaml`;

type Place = { file: string; path: (string | number)[] };
const inRollout = (...path: (string | number)[]): Place => ({ file: ROLLOUT_FILE, path });
const inBuild = (buildId: BuildId, ...path: (string | number)[]): Place => ({ file: buildFile(buildId), path });

const finding = (severity: Finding['severity']) => (code: ProblemCode, place: Place, message: string, hint?: string): Finding => ({
  severity,
  code,
  ...place,
  message,
  hint,
});
const error = finding('error');
const warning = finding('warning');

/** Every finding for a parsed state; `base` undefined means there is nothing to compare with. */
export function checkState(head: DesiredState, base: Base | undefined, times: RuleTimes): Finding[] {
  return [
    ...checkBuilds(head),
    ...checkReferences(head),
    ...checkRamp(head.rollout),
    ...checkPair(head),
    ...checkFlags(head),
    ...(base === undefined ? [] : checkAgainstBase(head, base, times.nowMs)),
    ...checkStart(head, base, times),
    ...warn(head, times.nowMs),
  ];
}

function* checkBuilds(head: DesiredState): Generator<Finding> {
  const byCode = new Map<number, BuildId>();
  const bySha = new Map<string, BuildId>();
  for (const build of head.builds.values()) {
    const sameCode = byCode.get(build.versionCode);
    if (sameCode !== undefined)
      yield error(
        'duplicate_version_code',
        inBuild(build.buildId, 'version_code'),
        `version_code ${build.versionCode} is already taken by build ${sameCode}`,
        'devices compare builds by version_code: give each build its own',
      );
    const sameSha = bySha.get(build.sha256);
    if (sameSha !== undefined)
      yield error('duplicate_sha256', inBuild(build.buildId, 'sha256'), `the same APK is already declared as build ${sameSha}`);
    byCode.set(build.versionCode, build.buildId);
    bySha.set(build.sha256, build.buildId);
  }
}

function* checkReferences({ rollout, builds, cohorts }: DesiredState): Generator<Finding> {
  const known = [...builds.keys()].sort().join(', ') || 'none';
  if (!builds.has(rollout.current))
    yield error('unknown_build', inRollout('current'), `no build ${rollout.current} under builds/`, `declared builds: ${known}`);
  if (rollout.lastSafe !== undefined && !builds.has(rollout.lastSafe))
    yield error('unknown_build', inRollout('last_safe'), `no build ${rollout.lastSafe} under builds/`, `declared builds: ${known}`);
  for (const [index, name] of rollout.canary.cohorts.entries())
    if (!cohorts.has(name))
      yield error(
        'unknown_cohort',
        inRollout('canary', 'cohorts', index),
        `no cohort ${name} under cohorts/`,
        `declared cohorts: ${[...cohorts.keys()].sort().join(', ') || 'none'}`,
      );
}

function* checkRamp({ exposure }: Rollout): Generator<Finding> {
  if (exposure.kind !== 'ramp') return;
  const { steps } = exposure.ramp;
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    if (before !== undefined && step.percent <= before.percent)
      yield error(
        'ramp_not_rising',
        inRollout('ramp', 'steps', index, 'percent'),
        `step ${index + 1} is ${step.percent} %, not above the ${before.percent} % before it`,
        'a ramp only rises; to narrow a rollout use rollout_percent or rollback',
      );
    if (step.holdMs === undefined && index < steps.length - 1)
      yield error('ramp_hold_missing', inRollout('ramp', 'steps', index), `step ${index + 1} has no hold, so the steps after it would never come`);
  }
}

/** `current` against `last_safe`: presence, order, signers. */
function* checkPair({ rollout, builds }: DesiredState): Generator<Finding> {
  const full = rollout.exposure.kind === 'percent' && rollout.exposure.percent === 100;
  if (rollout.lastSafe === undefined) {
    if (rollout.rollback || !full)
      yield error(
        'last_safe_missing',
        inRollout('last_safe'),
        `last_safe is required ${rollout.rollback ? 'for a rollback' : 'unless exposure is a plain 100'}`,
        'name the build that devices outside the rollout should run',
      );
    return;
  }
  if (rollout.lastSafe === rollout.current) {
    if (!full || rollout.rollback)
      yield error('last_safe_is_current', inRollout('last_safe'), 'last_safe may equal current only at rollout_percent: 100 without rollback');
    return;
  }
  const current = builds.get(rollout.current);
  const lastSafe = builds.get(rollout.lastSafe);
  if (current === undefined || lastSafe === undefined) return;
  if (current.versionCode < lastSafe.versionCode && !rollout.forceDowngrade)
    yield error(
      'current_older',
      inRollout('current'),
      `current ${current.buildId} (version_code ${current.versionCode}) is older than last_safe ${lastSafe.buildId} (${lastSafe.versionCode})`,
      'set force_downgrade: true with a reason, or rebuild the old code with a higher version_code',
    );
  yield* checkSigners(rollout, current, lastSafe);
}

function* checkSigners(rollout: Rollout, current: Build, lastSafe: Build): Generator<Finding> {
  const same = allSigners(lastSafe).every(f => allSigners(current).includes(f));
  if (rollout.forceDowngrade) {
    if (!same || allSigners(current).some(f => !allSigners(lastSafe).includes(f)))
      yield error('signer_differs', inRollout('force_downgrade'), `a downgrade between ${current.buildId} and ${lastSafe.buildId} needs the same signer on both`);
    return;
  }
  const continued = allSigners(lastSafe).every(f => allSigners(current).includes(f) || current.signerLineage.includes(f));
  if (!continued)
    yield error(
      'signer_not_continued',
      inRollout('current'),
      `current ${current.buildId} is signed with another key than last_safe ${lastSafe.buildId} and its signer_lineage does not prove the change`,
      'devices would refuse it: sign with the same key, or rotate with a proof of rotation',
    );
}

function* checkFlags({ rollout, builds }: DesiredState): Generator<Finding> {
  const current = builds.get(rollout.current);
  const lastSafe = rollout.lastSafe === undefined ? undefined : builds.get(rollout.lastSafe);
  if (rollout.forceDowngrade) {
    if (rollout.reason === undefined || rollout.reason.trim() === '')
      yield error('force_downgrade_reason', inRollout('force_downgrade'), 'force_downgrade needs a reason', 'say in `reason` why devices must go back');
    const older = current !== undefined && lastSafe !== undefined && current.versionCode < lastSafe.versionCode;
    if (!rollout.rollback && !older)
      yield error('force_downgrade_scope', inRollout('force_downgrade'), 'force_downgrade needs rollback: true or a current older than last_safe');
  }
  if (rollout.deadlineMs !== undefined && !rollout.mustInstall)
    yield error('deadline_scope', inRollout('deadline'), 'deadline means nothing without must_install: true');
  if (rollout.suspend !== undefined && rollout.suspend.untilMs <= rollout.suspend.sinceMs)
    yield error('suspend_window', inRollout('suspend', 'until'), 'suspend.until is not after suspend.since');
}

const FACTS = [
  ['package', 'package'],
  ['versionCode', 'version_code'],
  ['versionName', 'version_name'],
  ['minSdk', 'min_sdk'],
  ['sizeBytes', 'size_bytes'],
  ['sha256', 'sha256'],
  ['signerFingerprint', 'signer_fingerprint'],
  ['signers', 'signers'],
  ['signerLineage', 'signer_lineage'],
] as const;

function* checkAgainstBase(head: DesiredState, base: Base, nowMs: number): Generator<Finding> {
  for (const build of head.builds.values()) {
    const before = base.state.builds.get(build.buildId) ?? base.formerBuilds.get(build.buildId);
    if (before === undefined) continue;
    for (const [field, key] of FACTS)
      if (JSON.stringify(build[field]) !== JSON.stringify(before[field]))
        yield error(
          'build_facts_edited',
          inBuild(build.buildId, key),
          `${key} of build ${build.buildId} was ${JSON.stringify(before[field])}: a merged build is immutable`,
          'declare the new APK as a new build',
        );
    if (before.withdrawn !== undefined && build.withdrawn === undefined)
      yield error('withdrawal_removed', inBuild(build.buildId), `build ${build.buildId} was withdrawn (${before.withdrawn.reason}) and stays so`);
  }
  yield* checkPromotion(head, base.state);
  yield* checkSeed(head.rollout, base, nowMs);
  const { rollout } = head;
  const was = base.state.rollout;
  if (was.rollback && !rollout.rollback && was.current === rollout.current && rollout.exposure.kind === 'ramp') {
    const startBefore = was.exposure.kind === 'ramp' ? was.exposure.ramp.startMs : undefined;
    if (rollout.exposure.ramp.startMs === undefined || rollout.exposure.ramp.startMs === startBefore)
      yield error('ramp_restart_needed', inRollout('ramp', 'start'), `ending the rollback of ${rollout.current} needs a new ramp start`, 'write the time at which the ramp should begin again');
  }
}

function* checkPromotion(head: DesiredState, base: DesiredState): Generator<Finding> {
  const { current } = head.rollout;
  const build = head.builds.get(current);
  if (current !== base.rollout.current && build?.withdrawn !== undefined)
    yield error('promotes_withdrawn', inRollout('current'), `build ${current} is withdrawn: ${build.withdrawn.reason}`, 'promote another build');
}

function* checkSeed(rollout: Rollout, base: Base, nowMs: number): Generator<Finding> {
  const was = base.state.rollout;
  if (was.current !== rollout.current || was.cohortSeed === rollout.cohortSeed) return;
  const percent = was.rollback ? 0 : percentAt(was, base.clock, nowMs);
  if (percent > 0 && percent < 100)
    yield error(
      'cohort_seed_changed',
      inRollout('cohort_seed'),
      `cohort_seed may not change while ${rollout.current} is at ${percent} %: it would exchange the exposed devices`,
      `keep cohort_seed: ${JSON.stringify(was.cohortSeed)}`,
    );
}

/** A typo in a year must not send everything at once; a revert must always pass. */
function* checkStart(head: DesiredState, base: Base | undefined, times: RuleTimes): Generator<Finding> {
  const { rollout } = head;
  if (rollout.exposure.kind !== 'ramp' || rollout.exposure.ramp.startMs === undefined) return;
  const { ramp } = rollout.exposure;
  const was = base?.state.rollout;
  if (was !== undefined) {
    const startBefore = was.exposure.kind === 'ramp' ? was.exposure.ramp.startMs : undefined;
    if (was.current === rollout.current && startBefore === ramp.startMs) return;
    if (rollout.current === was.lastSafe) return;
  }
  const judgedAtMs = was === undefined ? times.introducedAtMs : times.nowMs;
  if (judgedAtMs === undefined || rollout.exposure.ramp.startMs === undefined) return;
  const elapsed = elapsedMs(rollout, newClock(rollout.exposure.ramp.startMs), judgedAtMs);
  const step = stepAt(ramp, elapsed);
  if (step > 1)
    yield error(
      'ramp_start_past',
      inRollout('ramp', 'start'),
      `this start would begin the ramp at step ${step + 1} of ${ramp.steps.length} (${ramp.steps[step]?.percent ?? 0} %)`,
      'write a start at or after the merge, or leave it out to start with the merge',
    );
  if (-elapsed > MAX_START_AHEAD_MS)
    yield error('ramp_start_far', inRollout('ramp', 'start'), `start is ${Math.round(-elapsed / DAY_MS)} days ahead; at most 14 are accepted`, 'is the year right?');
}

function* warn({ rollout, builds, cohorts }: DesiredState, nowMs: number): Generator<Finding> {
  const current = builds.get(rollout.current);
  const lastSafe = rollout.lastSafe === undefined ? undefined : builds.get(rollout.lastSafe);
  if (rollout.suspend !== undefined && rollout.suspend.untilMs <= nowMs)
    yield warning('suspend_expired', inRollout('suspend', 'until'), 'this suspend has expired and holds nothing', 'remove it');
  if (lastSafe?.withdrawn !== undefined)
    yield warning('last_safe_withdrawn', inRollout('last_safe'), `last_safe ${lastSafe.buildId} is withdrawn: devices outside the rollout are offered nothing`);
  if (current?.withdrawn !== undefined && finalPercent(rollout) > 0)
    yield warning('current_withdrawn', inRollout('current'), `current ${current.buildId} is withdrawn: it is offered to nobody`);
  if (rollout.rollback && rollout.suspend !== undefined && rollout.suspend.untilMs > nowMs)
    yield warning('rollback_while_suspended', inRollout('suspend'), 'suspended: the rollback offers nothing either', 'remove suspend to let the rollback through');
  for (const name of cohorts.keys())
    if (!rollout.canary.cohorts.includes(name))
      yield warning('cohort_unused', { file: `cohorts/${name}.yaml`, path: [] }, `cohort ${name} is not named in rollout.yaml`);
}
