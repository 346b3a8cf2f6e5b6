/** Rules inside one rollout and between its two builds (SPEC §2). */
import type { Finding } from '../problem.ts';
import { type Build, type DesiredState, type Rollout, signerFor } from '../release.ts';
import { error, inRollout } from './finding.ts';

export function* checkRamp({ exposure }: Rollout): Generator<Finding> {
  if (exposure.kind !== 'ramp') return;
  const { steps } = exposure.ramp;
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    if (before !== undefined && step.percent <= before.percent)
      yield error(
        'ramp_not_rising',
        inRollout('ramp', 'steps', index, 'percent'),
        `step ${index + 1} is ${step.percent} %, not above the ${before.percent} % before it`,
        'the percents of a ramp must rise; to narrow a rollout use rollout_percent or rollback',
      );
    if (step.holdMs === undefined && index < steps.length - 1)
      yield error(
        'ramp_hold_missing',
        inRollout('ramp', 'steps', index, 'hold'),
        `step ${index + 1} has no hold, so the steps after it would never begin`,
        'say how long it lasts, such as hold: 24h',
      );
  }
}

const isPlainFull = ({ exposure, rollback }: Rollout): boolean =>
  exposure.kind === 'percent' && exposure.percent === 100 && !rollback;

/** `current` against `last_safe`: presence, order, signers. */
export function* checkPair({ rollout, builds }: DesiredState): Generator<Finding> {
  if (rollout.lastSafe === undefined) {
    if (!isPlainFull(rollout))
      yield error(
        'last_safe_missing',
        inRollout('last_safe'),
        `last_safe is required ${rollout.rollback ? 'for a rollback' : 'unless rollout_percent is 100'}`,
        'name the build that devices outside the rollout should run',
      );
    return;
  }
  if (rollout.lastSafe === rollout.current) {
    if (!isPlainFull(rollout))
      yield error(
        'last_safe_is_current',
        inRollout('last_safe'),
        'last_safe may equal current only at rollout_percent: 100 without rollback',
        'name the build that devices outside the rollout should run',
      );
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

/** One SDK of each range within which no signer changes. 0 stands for the range below the first change. */
const sdksToCompare = (a: Build, b: Build): readonly number[] => [
  0,
  ...[...a.signers, ...b.signers].map(s => s.minSdk),
];

/** Checked per SDK: a device compares the signers of both builds for its own SDK. */
function* checkSigners(rollout: Rollout, current: Build, lastSafe: Build): Generator<Finding> {
  const pairs = sdksToCompare(current, lastSafe).map(sdk => ({
    before: signerFor(lastSafe, sdk),
    after: signerFor(current, sdk),
  }));
  if (rollout.forceDowngrade) {
    if (pairs.some(({ before, after }) => before !== after))
      yield error(
        'signer_differs',
        inRollout('force_downgrade'),
        `a downgrade between ${current.buildId} and ${lastSafe.buildId} needs the same signer on both`,
        'Android never goes back to an earlier key: rebuild the old code with a higher version_code and the new key',
      );
  } else if (pairs.some(p => p.before !== p.after && !current.signerLineage.includes(p.before))) {
    yield error(
      'signer_not_continued',
      inRollout('current'),
      `current ${current.buildId} is signed with another key than last_safe ${lastSafe.buildId} and its signer_lineage does not prove the change`,
      'devices would refuse it: sign with the same key, or rotate with a proof of rotation',
    );
  }
}

export function* checkFlags({ rollout, builds }: DesiredState): Generator<Finding> {
  if (rollout.forceDowngrade) {
    if (rollout.reason === undefined || rollout.reason.trim() === '')
      yield error(
        'force_downgrade_reason',
        inRollout('force_downgrade'),
        'force_downgrade needs a reason',
        'add a reason that says why devices must go back',
      );
    const current = builds.get(rollout.current);
    const lastSafe = rollout.lastSafe === undefined ? undefined : builds.get(rollout.lastSafe);
    // An unknown build is already reported, and nobody knows whether it is older.
    const isKnown = current !== undefined && (lastSafe !== undefined || rollout.lastSafe === undefined);
    const isOlder = isKnown && lastSafe !== undefined && current.versionCode < lastSafe.versionCode;
    if (isKnown && !rollout.rollback && !isOlder)
      yield error(
        'force_downgrade_scope',
        inRollout('force_downgrade'),
        'force_downgrade needs rollback: true or a current older than last_safe',
        'remove force_downgrade: this rollout does not downgrade any device',
      );
  }
  if (rollout.deadlineMs !== undefined && !rollout.mustInstall)
    yield error(
      'deadline_scope',
      inRollout('deadline'),
      'deadline has no effect without must_install: true',
      'add must_install: true, or remove deadline',
    );
  if (rollout.suspend !== undefined && rollout.suspend.untilMs <= rollout.suspend.sinceMs)
    yield error(
      'suspend_window',
      inRollout('suspend', 'until'),
      'suspend.until must be later than suspend.since',
      'check the dates and their offsets',
    );
}
