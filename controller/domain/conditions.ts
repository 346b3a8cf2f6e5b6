/** Why offers differ from what rollout.yaml says, in words for operators. Pure. */
import { isProgressUnread, type Snapshot } from './decision.ts';
import { type Halt, isClosedByGit } from './halt.ts';

export const CONDITIONS = ['ahead_of_git', 'past_unknown', 'progress_unread'] as const;

export interface Condition {
  readonly code: (typeof CONDITIONS)[number];
  readonly message: string;
}

export function conditionsOf(snapshot: Snapshot, nowMs: number): Condition[] {
  const { rollout, halts } = snapshot;
  const found: Condition[] = [];
  for (const halt of halts) {
    if (halt.kind === 'lost') found.push({ code: 'past_unknown', message: unknownPast(halt) });
    else if (!isClosedByGit(rollout)) found.push({ code: 'ahead_of_git', message: ahead(halt) });
  }
  if (isProgressUnread(snapshot, nowMs))
    found.push({
      code: 'progress_unread',
      message: `${rollout.current} is offered to nobody: its gate could not be looked at for more than a minute`,
    });
  return found;
}

const ahead = ({ buildId, pullUrl }: Halt): string =>
  `${buildId} is stopped, and rollout.yaml does not say so yet: ${
    pullUrl === undefined ? 'no pull request is open' : `merge ${pullUrl}`
  }, or lift it with ota resume`;

const unknownPast = ({ buildId, reason }: Halt): string =>
  `${buildId} is offered to nobody: ${reason}; ota resume lifts it`;
