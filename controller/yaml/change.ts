/**
 * What promote, rollout and rollback change in `rollout.yaml`: computed from its content, never as a patch. Pure. The
 * result is still parsed and judged by every rule before anything is written.
 */
import type { BuildId } from '../domain/ids.ts';
import { nearest } from '../domain/nearest.ts';
import type { Build, Rollout } from '../domain/release.ts';
import type { RolloutFields } from './edit.ts';

export interface Ground {
  /** The rollout that is edited. */
  readonly rollout: Rollout;
  /** The one that is merged, with the share of buckets that `current` is meant for now, 0–100; 0 under rollback. */
  readonly merged: { readonly rollout: Rollout; readonly percent: number };
  /** Builds declared in the tree that is being edited. */
  readonly builds: ReadonlyMap<BuildId, Build>;
}

export type Change =
  | {
      readonly kind: 'promote';
      readonly buildId: BuildId;
      readonly percent: number;
      /** For a build that is current already: the standing one, unless another is really meant. */
      readonly cohortSeed: string;
      readonly lastSafe?: BuildId | undefined;
      readonly reason?: string | undefined;
    }
  | { readonly kind: 'rollout'; readonly percent: number; readonly reason?: string | undefined }
  | {
      readonly kind: 'rollback';
      readonly to?: BuildId | undefined;
      readonly forceDowngrade: boolean;
      readonly reason?: string | undefined;
    };

export type ChangeResult =
  | {
      readonly ok: true;
      readonly fields: RolloutFields;
      /** One line in the imperative, for a commit subject or a pull request's title. */
      readonly title: string;
      /** Side effects that the person should know of. */
      readonly notes: readonly string[];
    }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

const refuse = (code: string, message: string, hint?: string): ChangeResult => ({
  ok: false,
  code,
  message,
  hint,
});

/** The keys of rollout.yaml to write, or why not. */
export function changeRollout(ground: Ground, change: Change): ChangeResult {
  if (change.kind === 'promote') return promote(ground, change);
  return change.kind === 'rollout' ? rollout(ground, change) : rollback(ground, change);
}

const unknown = ({ builds }: Ground, buildId: BuildId): ChangeResult => {
  const close = nearest(buildId, builds.keys());
  // b44 is as near to b41 as to b43, so suggest a build only if no other is as near.
  const lone =
    close !== undefined &&
    nearest(
      buildId,
      [...builds.keys()].filter(id => id !== close),
    ) === undefined;
  const known = [...builds.keys()].sort().join(', ') || 'none; declare one with: ota build add app.apk';
  return refuse(
    'unknown_build',
    `no build ${buildId} is declared under builds/`,
    !lone ? `declared builds: ${known}` : `did you mean ${close}? Declared builds: ${known}`,
  );
};

function promote(ground: Ground, change: Change & { kind: 'promote' }): ChangeResult {
  const { rollout: now, builds } = ground;
  const build = builds.get(change.buildId);
  if (build === undefined) return unknown(ground, change.buildId);
  if (build.withdrawn !== undefined)
    return refuse(
      'promotes_withdrawn',
      `build ${build.buildId} is withdrawn: ${build.withdrawn.reason}`,
      'promote another build',
    );
  if (change.lastSafe !== undefined && !builds.has(change.lastSafe)) return unknown(ground, change.lastSafe);
  const lastSafe = change.lastSafe ?? safeBehind(ground, change.buildId);
  const trouble = pairTrouble(ground, build, lastSafe, change.percent);
  if (trouble !== undefined) return trouble;
  const samePromotion = now.current === change.buildId;
  return {
    ok: true,
    title: `promote ${change.buildId} to ${change.percent} %`,
    fields: {
      current: change.buildId,
      last_safe: lastSafe,
      rollout_percent: change.percent,
      ramp: undefined,
      cohort_seed: change.cohortSeed,
      ...(now.rollback ? { rollback: false } : {}),
      ...(now.forceDowngrade ? { force_downgrade: false } : {}),
      ...(change.reason !== undefined || !samePromotion || now.rollback ? { reason: change.reason } : {}),
    },
    notes: keptNotes(now, samePromotion),
  };
}

/** What devices outside the cohort should run: the build that is fully rolled out, else the standing `last_safe`. */
function safeBehind(
  { merged: { rollout, percent }, builds }: Ground,
  promoted: BuildId,
): BuildId | undefined {
  const fullyOut =
    !rollout.rollback && percent >= 100 && builds.get(rollout.current)?.withdrawn === undefined;
  return fullyOut && rollout.current !== promoted ? rollout.current : rollout.lastSafe;
}

function pairTrouble(
  ground: Ground,
  build: Build,
  lastSafe: BuildId | undefined,
  percent: number,
): ChangeResult | undefined {
  if (lastSafe === undefined)
    return percent === 100
      ? undefined
      : refuse(
          'last_safe_missing',
          `at ${percent} % the devices outside the rollout need a last_safe build, and none is known`,
          'name it with --last-safe BUILD',
        );
  if (lastSafe === build.buildId)
    return percent === 100
      ? undefined
      : refuse(
          'last_safe_is_current',
          `${build.buildId} is the last_safe build itself, so every device would get it at ${percent} % too`,
          `to go back to it: ota rollback --to ${build.buildId}; to serve it to all: ota promote ${build.buildId} --percent 100`,
        );
  const behind = ground.builds.get(lastSafe);
  if (behind !== undefined && behind.versionCode > build.versionCode)
    return refuse(
      'current_older',
      `${build.buildId} (version_code ${build.versionCode}) is older than ${lastSafe} (${behind.versionCode}), which devices already run`,
      `to go back: ota rollback --to ${build.buildId}; or rebuild the old code with a higher version_code`,
    );
  return undefined;
}

function keptNotes(now: Rollout, samePromotion: boolean): string[] {
  const notes: string[] = [];
  if (now.mustInstall && !samePromotion) notes.push('must_install: true stays from the promotion before');
  if (now.exposure.kind === 'ramp') notes.push('the ramp is replaced by rollout_percent');
  if (now.suspend !== undefined)
    notes.push('the suspend in rollout.yaml stays: nothing is offered while it lasts');
  return notes;
}

function rollout(ground: Ground, change: Change & { kind: 'rollout' }): ChangeResult {
  const { rollout: now, builds } = ground;
  if (now.rollback)
    return refuse(
      'rolled_back',
      `${now.current} is rolled back, so its percentage has no effect`,
      `to start it again: ota promote ${now.current} --percent ${change.percent}`,
    );
  const withdrawn = builds.get(now.current)?.withdrawn;
  if (withdrawn !== undefined && change.percent > 0)
    return refuse(
      'current_withdrawn',
      `${now.current} is withdrawn (${withdrawn.reason}) and offered to no device`,
      'promote another build',
    );
  return {
    ok: true,
    title: `roll ${now.current} out to ${change.percent} %`,
    fields: {
      rollout_percent: change.percent,
      ramp: undefined,
      ...(change.reason === undefined ? {} : { reason: change.reason }),
    },
    notes: keptNotes(now, true),
  };
}

function rollback(ground: Ground, change: Change & { kind: 'rollback' }): ChangeResult {
  const { rollout: now, builds } = ground;
  const to = change.to ?? now.lastSafe;
  if (to === undefined)
    return refuse(
      'last_safe_missing',
      'rollout.yaml names no last_safe to go back to',
      `name the build: ota rollback --to BUILD (${olderBuilds(ground)})`,
    );
  const target = builds.get(to);
  if (target === undefined) return unknown(ground, to);
  const trouble = targetTrouble(ground, target, change.to !== undefined);
  if (trouble !== undefined) return trouble;
  if (change.forceDowngrade && (change.reason ?? '').trim() === '')
    return refuse(
      'force_downgrade_reason',
      '--force-downgrade needs a reason',
      'say why devices must go back: --reason "…"',
    );
  const already = now.rollback && now.lastSafe === to;
  return {
    ok: true,
    title: `roll ${now.current} back to ${to}`,
    fields: {
      last_safe: to,
      rollback: true,
      ...(change.forceDowngrade ? { force_downgrade: true } : {}),
      // The old reason explained the promotion, but a standing force_downgrade must keep its reason.
      ...(change.reason !== undefined || !(now.forceDowngrade || already) ? { reason: change.reason } : {}),
    },
    notes: change.forceDowngrade
      ? [
          'Android accepts a downgrade only for debuggable builds, system or root installers; others report downgrade_refused',
        ]
      : [
          `devices that already run ${now.current} stay on it; --force-downgrade takes them back where Android allows it`,
        ],
  };
}

const olderBuilds = ({ rollout: now, builds }: Ground): string => {
  const newest = builds.get(now.current)?.versionCode ?? 0;
  const older = [...builds.values()].filter(b => b.versionCode < newest && b.withdrawn === undefined);
  return older.length === 0
    ? 'none is declared'
    : `there are ${older
        .map(b => b.buildId)
        .sort()
        .join(', ')}`;
};

function targetTrouble(ground: Ground, target: Build, named: boolean): ChangeResult | undefined {
  const { rollout: now, builds } = ground;
  if (target.buildId === now.current)
    return refuse(
      'last_safe_is_current',
      `${target.buildId} is the build being rolled out: it cannot be rolled back to itself`,
      `name an older build: ota rollback --to BUILD (${olderBuilds(ground)})`,
    );
  if (named && target.withdrawn !== undefined)
    return refuse(
      'promotes_withdrawn',
      `build ${target.buildId} is withdrawn: ${target.withdrawn.reason}`,
      'go back to another build',
    );
  const current = builds.get(now.current);
  if (named && current !== undefined && target.versionCode > current.versionCode)
    return refuse(
      'current_older',
      `${target.buildId} is newer than ${now.current}, so going to it is not a rollback`,
      `to go forward: ota promote ${target.buildId} --percent N`,
    );
  return undefined;
}
