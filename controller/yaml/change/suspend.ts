/** `suspend` and `unsuspend`: all offers stop for a while, and go on. */
import { timeText } from '../../domain/plan/words.ts';
import { type ChangeResult, editOf, type Ground, refuse } from './ground.ts';

/** A moment with its spelling, which keeps the offset that a person wrote. */
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

export function suspend({ rollout, wire }: Ground, change: SuspendChange): ChangeResult {
  const { since, until, reason, nowMs } = change;
  if (until.atMs <= nowMs)
    return refuse(
      'suspend_past',
      `--until ${until.text} has passed`,
      'name a moment to come, such as --until 4h',
    );
  if (until.atMs <= since.atMs)
    return refuse(
      'suspend_window',
      `--until ${until.text} is not after --since ${since.text}`,
      'name a later end, or an earlier beginning',
    );
  const standing = rollout.suspend;
  const runs = standing !== undefined && standing.sinceMs <= nowMs && nowMs < standing.untilMs;
  // A suspend that runs keeps its beginning: only its end is moved.
  const begins = runs && since.atMs <= nowMs ? (wire.suspend?.since ?? since.text) : since.text;
  const notes = runs ? [`a suspend until ${timeText(standing.untilMs)} stood already; this replaces it`] : [];
  return editOf(
    `suspend all offers until ${until.text}`,
    { suspend: { reason, since: begins, until: until.text } },
    notes,
  );
}

export function unsuspend({ rollout }: Ground, { nowMs, reason }: UnsuspendChange): ChangeResult {
  const notes =
    rollout.suspend === undefined
      ? ['no suspend is written']
      : rollout.suspend.untilMs <= nowMs
        ? ['the suspend had expired: its lines are taken out, and nothing else changes']
        : [];
  return editOf(
    'end the suspend',
    { suspend: undefined, ...(reason === undefined ? {} : { reason }) },
    notes,
  );
}
