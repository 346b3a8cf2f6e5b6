/** `withdraw BUILD`: the build is never offered again. */
import type { BuildId } from '../../domain/ids.ts';
import { timeText } from '../../domain/plan/words.ts';
import { type ChangeResult, type EditInput, unknownBuild } from './edit-input.ts';

export interface WithdrawChange {
  readonly kind: 'withdraw';
  readonly buildId: BuildId;
  readonly reason: string;
  /** Written in whole seconds. */
  readonly nowMs: number;
}

export function withdraw(input: EditInput, { buildId, reason, nowMs }: WithdrawChange): ChangeResult {
  const build = input.builds.get(buildId);
  if (build === undefined) return unknownBuild(input, buildId);
  const title = `withdraw ${buildId}`;
  if (build.withdrawn !== undefined)
    return {
      ok: true,
      title,
      edits: [],
      notes: [`it was withdrawn at ${timeText(build.withdrawn.atMs)}: ${build.withdrawn.reason}`],
    };
  const at = timeText(nowMs - (nowMs % 1000));
  return {
    ok: true,
    title,
    edits: [{ file: `builds/${buildId}.yaml`, fields: { withdrawn: { reason, at } } }],
    notes: ['a withdrawal is final: fixed code needs a new build', ...roleNotes(input, buildId)],
  };
}

function roleNotes({ rollout }: EditInput, buildId: BuildId): string[] {
  if (rollout.current === buildId)
    return [
      `${buildId} is current: it is not offered any more${rollout.lastSafe === undefined ? '' : `, devices are offered ${rollout.lastSafe} instead`}`,
    ];
  if (rollout.lastSafe === buildId)
    return [
      `${buildId} is last_safe: promote with another one (--last-safe BUILD), or devices outside the rollout get no build`,
    ];
  return [];
}
