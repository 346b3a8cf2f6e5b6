/** `promote`: a build becomes current, at a percentage or on a ramp. */
import type { BuildId } from '../../domain/ids.ts';
import type { Build, Rollout } from '../../domain/release.ts';
import { type ChangeResult, type EditInput, editOf, refuse, unknownBuild } from './edit-input.ts';
import { type RampPatch, rampOf, stepsText } from './ramp.ts';

export interface PromoteChange {
  readonly kind: 'promote';
  readonly buildId: BuildId;
  /** This share of the fleet at once, or step by step. */
  readonly exposure: { readonly percent: number } | { readonly ramp: RampPatch };
  /** If the build is already current, this is the present seed, unless the user asked for another. */
  readonly cohortSeed: string;
  readonly lastSafe?: BuildId | undefined;
  readonly reason?: string | undefined;
}

export function promote(input: EditInput, change: PromoteChange): ChangeResult {
  const { rollout: now, builds } = input;
  const { exposure } = change;
  const build = builds.get(change.buildId);
  if (build === undefined) return unknownBuild(input, change.buildId);
  if (build.withdrawn !== undefined)
    return refuse(
      'promotes_withdrawn',
      `build ${build.buildId} is withdrawn: ${build.withdrawn.reason}`,
      'promote another build',
    );
  if (change.lastSafe !== undefined && !builds.has(change.lastSafe))
    return unknownBuild(input, change.lastSafe);
  const lastSafe = change.lastSafe ?? safeBehind(input, change.buildId);
  const trouble = pairTrouble(input, build, lastSafe, 'percent' in exposure ? exposure.percent : undefined);
  if (trouble !== undefined) return trouble;
  const samePromotion = now.current === change.buildId;
  const ramp = 'ramp' in exposure ? rampOf(undefined, exposure.ramp) : undefined;
  if (ramp !== undefined && !ramp.ok) return ramp;
  const title =
    ramp === undefined
      ? `promote ${change.buildId} to ${'percent' in exposure ? exposure.percent : 0} %`
      : `promote ${change.buildId} on a ramp of ${stepsText(ramp.ramp.steps)}`;
  return editOf(
    title,
    {
      current: change.buildId,
      last_safe: lastSafe,
      rollout_percent: 'percent' in exposure ? exposure.percent : undefined,
      ramp: ramp?.ramp,
      ...(change.cohortSeed === now.cohortSeed ? {} : { cohort_seed: change.cohortSeed }),
      ...(now.rollback ? { rollback: false } : {}),
      ...(now.forceDowngrade ? { force_downgrade: false } : {}),
      ...(change.reason !== undefined || !samePromotion || now.rollback ? { reason: change.reason } : {}),
    },
    keptNotes(now, samePromotion, ramp === undefined),
  );
}

/** The build for devices outside the cohort: `current` if it is fully rolled out, else the present `last_safe`. */
function safeBehind(
  { merged: { rollout, percent }, builds }: EditInput,
  promoted: BuildId,
): BuildId | undefined {
  const fullyOut =
    !rollout.rollback && percent >= 100 && builds.get(rollout.current)?.withdrawn === undefined;
  return fullyOut && rollout.current !== promoted ? rollout.current : rollout.lastSafe;
}

function pairTrouble(
  input: EditInput,
  build: Build,
  lastSafe: BuildId | undefined,
  /** Undefined for a ramp. */
  percent: number | undefined,
): ChangeResult | undefined {
  const at = percent === undefined ? 'on a ramp' : `at ${percent} %`;
  if (lastSafe === undefined)
    return percent === 100
      ? undefined
      : refuse(
          'last_safe_missing',
          `${at}, the devices outside the rollout need a last_safe build, but none is set`,
          'name it with --last-safe BUILD',
        );
  if (lastSafe === build.buildId)
    return percent === 100
      ? undefined
      : refuse(
          'last_safe_is_current',
          `${build.buildId} is also the last_safe build, so every device would get it even ${at}`,
          `to go back to it: ota rollback --to ${build.buildId}; to serve it to all: ota promote ${build.buildId} --percent 100`,
        );
  const behind = input.builds.get(lastSafe);
  if (behind !== undefined && behind.versionCode > build.versionCode)
    return refuse(
      'current_older',
      `${build.buildId} (version_code ${build.versionCode}) is older than ${lastSafe} (${behind.versionCode}), which devices already run`,
      `to go back: ota rollback --to ${build.buildId}; or rebuild the old code with a higher version_code`,
    );
  return undefined;
}

/** What is kept of the previous rollout, and what is dropped. */
export function keptNotes(now: Rollout, samePromotion: boolean, toPercent: boolean): string[] {
  const notes: string[] = [];
  if (now.mustInstall && !samePromotion) notes.push('must_install: true is kept from the previous promotion');
  if (toPercent && now.exposure.kind === 'ramp') notes.push('the ramp is replaced by rollout_percent');
  if (now.suspend !== undefined)
    notes.push('the suspend in rollout.yaml is kept: no build is offered until it ends');
  return notes;
}
