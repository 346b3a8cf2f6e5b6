/** Rules on what a revision changes against the one that stands (SPEC §2). */
import { DAY_MS } from '../duration.ts';
import type { BuildId } from '../ids.ts';
import type { Finding } from '../problem.ts';
import { elapsedMs, newClock, percentAt, stepAt } from '../ramp.ts';
import type { Build, DesiredState, RampStep, Rollout } from '../release.ts';
import type { Standing } from '../standing.ts';
import { error, inBuild, inRollout } from './finding.ts';
import type { RuleTimes } from './index.ts';

/** A start further ahead than this is taken for a typo. */
const MAX_START_AHEAD_MS = 14 * DAY_MS;

/** Each fact as text: what was stored and what was just parsed may differ in the order of keys alone. */
const FACTS: readonly (readonly [key: string, text: (build: Build) => string])[] = [
  ['package', b => b.package],
  ['version_code', b => String(b.versionCode)],
  ['version_name', b => b.versionName],
  ['min_sdk', b => String(b.minSdk)],
  ['size_bytes', b => String(b.sizeBytes)],
  ['sha256', b => b.sha256],
  ['signer_fingerprint', b => b.signerFingerprint],
  ['signers', b => b.signers.map(s => `${s.fingerprint} from SDK ${s.minSdk}`).join(', ')],
  ['signer_lineage', b => b.signerLineage.join(', ')],
];

/** A merged build is immutable, also after its file was deleted; `notes` alone is no fact. */
export function* checkBuildFacts(builds: ReadonlyMap<BuildId, Build>, base: Standing): Generator<Finding> {
  for (const build of builds.values()) {
    const before = base.state.builds.get(build.buildId) ?? base.formerBuilds.get(build.buildId);
    if (before === undefined) continue;
    for (const [key, text] of FACTS)
      if (text(build) !== text(before))
        yield error(
          'build_facts_edited',
          inBuild(build.buildId, key),
          `${key} of build ${build.buildId} was ${text(before) || 'empty'}: a merged build is immutable`,
          'restore it, and declare the new APK as a new build',
        );
    if (before.withdrawn !== undefined && build.withdrawn === undefined)
      yield error(
        'withdrawal_removed',
        inBuild(build.buildId, 'withdrawn'),
        `build ${build.buildId} was withdrawn (${before.withdrawn.reason}) and stays so`,
        'restore withdrawn, and declare a repaired APK as a new build',
      );
  }
}

export function* checkChange(head: DesiredState, base: Standing, nowMs: number): Generator<Finding> {
  const { rollout } = head;
  const was = base.state.rollout;
  const withdrawn = head.builds.get(rollout.current)?.withdrawn;
  if (rollout.current !== was.current && withdrawn !== undefined)
    yield error(
      'promotes_withdrawn',
      inRollout('current'),
      `build ${rollout.current} is withdrawn: ${withdrawn.reason}`,
      'promote another build',
    );
  yield* checkSeed(rollout, base, nowMs);
  yield* checkRestart(rollout, was);
}

/** Another seed in mid-rollout would exchange the exposed devices for others. */
function* checkSeed(rollout: Rollout, base: Standing, nowMs: number): Generator<Finding> {
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

const startOf = ({ exposure }: Rollout): number | undefined =>
  exposure.kind === 'ramp' ? exposure.ramp.startMs : undefined;

/** A ramp ran on while its build was rolled back: without a new start it would come back far along. */
function* checkRestart(rollout: Rollout, was: Rollout): Generator<Finding> {
  const endsRollback = was.rollback && !rollout.rollback && was.current === rollout.current;
  if (!endsRollback || rollout.exposure.kind !== 'ramp') return;
  const startMs = startOf(rollout);
  if (startMs === undefined || startMs === startOf(was))
    yield error(
      'ramp_restart_needed',
      inRollout('ramp', 'start'),
      `ending the rollback of ${rollout.current} needs a new ramp start`,
      'write the time at which the ramp should begin again',
    );
}

/** Judged only where `start` or `current` changes, so that a mid-ramp edit stays legal; a revert must always pass. */
function isStartJudged(rollout: Rollout, was: Rollout): boolean {
  if (rollout.current === was.lastSafe) return false;
  return was.current !== rollout.current || startOf(was) !== startOf(rollout);
}

/**
 * How late a ramp may be merged: within its second step. The last step has no end of its own and counts as long as
 * the one before it, so that a start years ago is noticed on a ramp of one or two steps too.
 */
function firstTwoStepsMs([first, second]: readonly RampStep[]): number {
  const firstMs = first?.holdMs ?? MAX_START_AHEAD_MS;
  return second === undefined ? firstMs : firstMs + (second.holdMs ?? firstMs);
}

/** A typo in a year must not send everything at once. */
export function* checkStart(
  rollout: Rollout,
  base: Standing | undefined,
  times: RuleTimes,
): Generator<Finding> {
  const startMs = startOf(rollout);
  const was = base?.state.rollout;
  const judgedAtMs = was === undefined ? times.introducedAtMs : times.nowMs;
  if (rollout.exposure.kind !== 'ramp' || startMs === undefined || judgedAtMs === undefined) return;
  if (was !== undefined && !isStartJudged(rollout, was)) return;
  const { steps } = rollout.exposure.ramp;
  const elapsed = elapsedMs(rollout, newClock(startMs), judgedAtMs);
  if (elapsed >= firstTwoStepsMs(steps)) {
    const step = stepAt(rollout.exposure.ramp, elapsed);
    yield error(
      'ramp_start_past',
      inRollout('ramp', 'start'),
      `this start would begin the ramp at step ${step + 1} of ${steps.length} (${steps[step]?.percent ?? 0} %)`,
      'write a start at or after the merge, or leave it out to start with the merge',
    );
  }
  if (startMs - judgedAtMs > MAX_START_AHEAD_MS)
    yield error(
      'ramp_start_far',
      inRollout('ramp', 'start'),
      `start is ${Math.round((startMs - judgedAtMs) / DAY_MS)} days ahead; at most 14 are accepted`,
      'is the year right?',
    );
}
