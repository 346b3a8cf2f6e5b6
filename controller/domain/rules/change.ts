/** Rules on changes against the applied revision (SPEC §2). */
import type { BuildId } from '../ids.ts';
import type { Finding } from '../problem.ts';
import type { Build, DesiredState, Rollout } from '../release.ts';
import { intendedPercent, type Standing } from '../standing.ts';
import { error, inBuild, inRollout } from './finding.ts';

/** Each fact as text, so that the order of keys in the store does not matter. */
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

/** A merged build is immutable, also after its file was deleted. Only `notes` may be edited. */
export function* checkBuildFacts(builds: ReadonlyMap<BuildId, Build>, base: Standing): Generator<Finding> {
  for (const build of builds.values()) {
    const before = base.state.builds.get(build.buildId) ?? base.formerBuilds.get(build.buildId);
    if (before === undefined) continue;
    for (const [key, text] of FACTS)
      if (text(build) !== text(before))
        yield error(
          'build_facts_edited',
          inBuild(build.buildId, key),
          `${key} of build ${build.buildId} must stay ${text(before) || 'empty'}: a merged build is immutable`,
          'restore it, and declare the new APK as a new build',
        );
    if (before.withdrawn !== undefined && build.withdrawn === undefined)
      yield error(
        'withdrawal_removed',
        inBuild(build.buildId, 'withdrawn'),
        `build ${build.buildId} was withdrawn (${before.withdrawn.reason}), and a withdrawal is final`,
        'restore withdrawn, and declare a repaired APK as a new build',
      );
  }
}

export function* checkChange(head: DesiredState, base: Standing): Generator<Finding> {
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
  yield* checkSeed(rollout, base);
}

/** A new seed in the middle of a rollout would expose other devices. */
function* checkSeed(rollout: Rollout, base: Standing): Generator<Finding> {
  const was = base.state.rollout;
  if (was.current !== rollout.current || was.cohortSeed === rollout.cohortSeed) return;
  const percent = intendedPercent(base);
  const unknown = was.exposure.kind === 'ramp' && base.progress === undefined && !was.rollback;
  if (unknown || (percent > 0 && percent < 100))
    yield error(
      'cohort_seed_changed',
      inRollout('cohort_seed'),
      `cohort_seed may not change while ${rollout.current} is ${unknown ? 'on a ramp' : `at ${percent} %`}: the exposed devices would be exchanged for others`,
      `keep cohort_seed: ${JSON.stringify(was.cohortSeed)}`,
    );
}
