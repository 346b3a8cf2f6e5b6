/** A policy as text and as JSON. Pure. */
import { countText, percentText } from '../domain/plan/words.ts';
import type { FreezeWindow, Policy } from '../domain/release.ts';
import { visibleLine } from './problem-formats.ts';

export function policyLines(policy: Policy | undefined): string[] {
  if (policy === undefined) return ['no policy.yaml: every valid merge is allowed'];
  const { allowedPercents, maxJumpPercent, pinnedSigners, freezeWindows, approvals } = policy;
  const lines = [
    ...(allowedPercents === undefined ? [] : [`percentages: only ${allowedPercents.join(', ')}`]),
    ...(maxJumpPercent === undefined ? [] : [`a rise at once: at most ${maxJumpPercent} points`]),
    ...(pinnedSigners === undefined ? [] : ['builds are signed with:', ...pinnedSigners.map(s => `  ${s}`)]),
    ...approvals.map(
      a => `above ${percentText(a.abovePercent)}: ${countText(a.approvals, 'approval')} of the plan`,
    ),
    ...freezeWindows.map(w => `no rise: ${windowText(w)}`),
  ];
  return lines.length === 0 ? ['policy.yaml sets no guardrail'] : lines;
}

const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

const windowText = (w: FreezeWindow): string =>
  `${w.days.join(', ')} ${clock(w.fromMinute)}–${clock(w.toMinute)} ${w.timeZone} (${visibleLine(w.reason)})`;

/** snake_case; `null` for values that are not set. */
export const policyJson = (policy: Policy | undefined) => ({
  allowed_percents: policy?.allowedPercents ?? null,
  max_jump_percent: policy?.maxJumpPercent ?? null,
  pinned_signers: policy?.pinnedSigners ?? null,
  approvals: (policy?.approvals ?? []).map(a => ({ above_percent: a.abovePercent, approvals: a.approvals })),
  freeze_windows: (policy?.freezeWindows ?? []).map(w => ({
    reason: w.reason,
    time_zone: w.timeZone,
    days: w.days,
    from: clock(w.fromMinute),
    to: clock(w.toMinute),
  })),
});
