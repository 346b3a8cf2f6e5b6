/** The sentences of a plan, shared by text and Markdown. Identifiers are in backticks; none contains free text. */

import { durationText } from '../duration.ts';
import { isSuspended } from '../ramp/progress.ts';
import type { DangerKind, ExposureStep, Plan, View } from './index.ts';
import { countText, percentText, timeText } from './words.ts';

/** For a terminal: the same sentence without its backticks. */
export const bare = (sentence: string): string => sentence.replaceAll('`', '');

export function headline(plan: Plan): string {
  const { empty, transitions, exposure, head } = plan;
  if (empty) return 'Nothing changes for any device';
  const change = transitions[0];
  const halt = haltLine(plan);
  if (halt !== undefined && change?.kind !== 'promote' && change?.kind !== 'rollback') return halt;
  if (change === undefined) return `Change how \`${head.state.rollout.current}\` is offered`;
  if (change.kind === 'rollback') return `Roll back from \`${change.from}\` to \`${change.to}\``;
  if (change.kind === 'promote') {
    const then =
      exposure.finalPercent > change.percent ? `, up to ${percentText(exposure.finalPercent)}` : '';
    return `Promote \`${change.to}\` at ${percentText(change.percent)}${then}`;
  }
  return `Move \`${change.buildId}\` from ${percentText(change.fromPercent)} to ${percentText(change.toPercent)}`;
}

/** Changes that stop or resume offers without changing a percentage. */
function haltLine({ dangers, exposure, base, head, atMs }: Plan): string | undefined {
  const { rollout, builds } = head.state;
  const news = (kind: DangerKind): boolean => dangers.some(d => d.kind === kind);
  const gone = [...builds.values()].filter(
    b => b.withdrawn !== undefined && base?.state.builds.get(b.buildId)?.withdrawn === undefined,
  );
  if (news('withdrawn'))
    return gone.length === 1 ? `Withdraw \`${gone[0]?.buildId ?? ''}\`` : `Withdraw ${gone.length} builds`;
  if (news('suspend') && rollout.suspend !== undefined) {
    const { sinceMs, untilMs } = rollout.suspend;
    return `Suspend all offers${sinceMs > atMs ? ` from ${timeText(sinceMs)}` : ''} until ${timeText(untilMs)}`;
  }
  if (base !== undefined && isSuspended(base.state.rollout, atMs) && !isSuspended(rollout, atMs))
    return `End the suspend: \`${rollout.current}\` at ${percentText(exposure.toPercent)}`;
  return undefined;
}

export function exposureLine({ exposure, head }: Plan): string {
  const { current } = head.state.rollout;
  const now = `Exposure of \`${current}\`: ${percentText(exposure.fromPercent)} → ${percentText(exposure.toPercent)}`;
  const later =
    exposure.finalPercent > exposure.toPercent
      ? `; it reaches ${percentText(exposure.finalPercent)} without another commit`
      : '';
  const frozen =
    exposure.suspendedUntilMs === undefined
      ? ''
      : `; all offers are frozen until ${timeText(exposure.suspendedUntilMs)}`;
  return `${now}${later}${frozen}.`;
}

/** `2026-12-01T14:00:00Z`, or `merge + 4h` for a ramp that starts with its merge. */
export function beginText({ exposure, atMs }: Plan, step: ExposureStep): string {
  if (step.atMs === undefined) return step.state === 'past' ? 'over' : 'once no freeze window is open';
  if (!exposure.startsWithMerge) return timeText(step.atMs);
  return step.atMs <= atMs ? 'merge' : `merge + ${durationText(step.atMs - atMs)}`;
}

const GROUPS: Readonly<Record<View['group'], string>> = {
  all: 'All devices',
  canaries: 'Canaries',
  in_rollout: 'Devices in the rollout',
  outside: 'Devices outside the rollout',
};

export function viewLine({ group, percent, build, suspended }: View): string {
  const share = percent === undefined || group === 'all' ? '' : ` (${percentText(percent)})`;
  const offered = build === undefined ? 'are offered nothing' : `are offered \`${build}\``;
  return `${GROUPS[group]}${share} ${offered}${suspended ? ' once the suspend ends' : ''}`;
}

export function canaryLine({ canaries }: Plan): string | undefined {
  const { tags, devices, cohorts } = canaries;
  if (tags + devices === 0) return undefined;
  const from = cohorts === 0 ? '' : `, ${countText(cohorts, 'cohort')} counted in`;
  return `Canaries, on top of the exposure: ${countText(tags, 'tag')} and ${countText(devices, 'named device')}${from}.`;
}

export function downgradeLine({ downgrade }: Plan): string | undefined {
  if (downgrade === undefined) return undefined;
  const from = downgrade.from.slice(0, 10).map(id => `\`${id}\``);
  const more = downgrade.from.length > from.length ? ` and ${downgrade.from.length - from.length} more` : '';
  return downgrade.forced
    ? `Devices on ${from.join(', ')}${more} are told to go back to \`${downgrade.to}\`.`
    : `Devices on ${from.join(', ')}${more} stay there: nothing goes back to \`${downgrade.to}\` without force_downgrade.`;
}
