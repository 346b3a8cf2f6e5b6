/** `rollback`: stops offering current and offers every device the last safe build. */
import type { BuildId } from '../../domain/ids.ts';
import type { Build } from '../../domain/release.ts';
import { type ChangeResult, type EditInput, editOf, refuse, unknownBuild } from './edit-input.ts';

export interface RollbackChange {
  readonly kind: 'rollback';
  readonly to?: BuildId | undefined;
  readonly forceDowngrade: boolean;
  readonly reason?: string | undefined;
}

export function rollback(input: EditInput, change: RollbackChange): ChangeResult {
  const { rollout: now, builds } = input;
  const to = change.to ?? now.lastSafe;
  if (to === undefined)
    return refuse(
      'last_safe_missing',
      'rollout.yaml has no last_safe to go back to',
      `name the build: ota rollback --to BUILD (${olderBuilds(input)})`,
    );
  const target = builds.get(to);
  if (target === undefined) return unknownBuild(input, to);
  const trouble = targetTrouble(input, target, change.to !== undefined);
  if (trouble !== undefined) return trouble;
  if (change.forceDowngrade && (change.reason ?? '').trim() === '')
    return refuse(
      'force_downgrade_reason',
      '--force-downgrade needs a reason',
      'say why devices must go back: --reason "…"',
    );
  const already = now.rollback && now.lastSafe === to;
  return editOf(
    `roll ${now.current} back to ${to}`,
    {
      last_safe: to,
      rollback: true,
      ...(change.forceDowngrade ? { force_downgrade: true } : {}),
      // The old reason explained the promotion. A force_downgrade that is already set must keep its reason.
      ...(change.reason !== undefined || !(now.forceDowngrade || already) ? { reason: change.reason } : {}),
    },
    change.forceDowngrade
      ? [
          'Android accepts a downgrade only for debuggable builds, system or root installers; others report downgrade_refused',
        ]
      : [
          `devices that already run ${now.current} stay on it; --force-downgrade takes them back where Android allows it`,
        ],
  );
}

const olderBuilds = ({ rollout: now, builds }: EditInput): string => {
  const newest = builds.get(now.current)?.versionCode ?? 0;
  const older = [...builds.values()].filter(b => b.versionCode < newest && b.withdrawn === undefined);
  return older.length === 0
    ? 'none is declared'
    : `there are ${older
        .map(b => b.buildId)
        .sort()
        .join(', ')}`;
};

function targetTrouble(input: EditInput, target: Build, named: boolean): ChangeResult | undefined {
  const { rollout: now, builds } = input;
  if (target.buildId === now.current)
    return refuse(
      'last_safe_is_current',
      `${target.buildId} is the build being rolled out: it cannot be rolled back to itself`,
      `name an older build: ota rollback --to BUILD (${olderBuilds(input)})`,
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
