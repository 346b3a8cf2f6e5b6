/** `suspend` stops all offers for a while; `unsuspend` resumes them. */
import { timeText } from '../../domain/plan/words.ts';
import { type ChangeResult, type EditInput, editOf, refuse } from './edit-input.ts';

/** A moment, and its text with the UTC offset that the user wrote. */
export interface Moment {
  readonly atMs: number;
  readonly text: string;
}

export interface SuspendChange {
  readonly kind: 'suspend';
  readonly since: Moment;
  readonly until: Moment;
  readonly reason: string;
  readonly nowMs: number;
}

export interface UnsuspendChange {
  readonly kind: 'unsuspend';
  readonly reason?: string | undefined;
  readonly nowMs: number;
}

export function suspend({ rollout, wire }: EditInput, change: SuspendChange): ChangeResult {
  const { since, until, reason, nowMs } = change;
  if (until.atMs <= nowMs)
    return refuse(
      'suspend_past',
      `--until ${until.text} has passed`,
      'give a time in the future, such as --until 4h',
    );
  if (until.atMs <= since.atMs)
    return refuse(
      'suspend_window',
      `--until ${until.text} is not after --since ${since.text}`,
      'give a later --until or an earlier --since',
    );
  const standing = rollout.suspend;
  const runs = standing !== undefined && standing.sinceMs <= nowMs && nowMs < standing.untilMs;
  // A running suspend keeps its start; only its end changes.
  const begins = runs && since.atMs <= nowMs ? (wire.suspend?.since ?? since.text) : since.text;
  const notes = runs ? [`this replaces the running suspend until ${timeText(standing.untilMs)}`] : [];
  return editOf(
    `suspend all offers until ${until.text}`,
    { suspend: { reason, since: begins, until: until.text } },
    notes,
  );
}

export function unsuspend({ rollout }: EditInput, { nowMs, reason }: UnsuspendChange): ChangeResult {
  const notes =
    rollout.suspend === undefined
      ? ['rollout.yaml has no suspend']
      : rollout.suspend.untilMs <= nowMs
        ? ['the suspend had already expired: its lines are removed, and nothing else changes']
        : [];
  return editOf(
    'end the suspend',
    { suspend: undefined, ...(reason === undefined ? {} : { reason }) },
    notes,
  );
}
