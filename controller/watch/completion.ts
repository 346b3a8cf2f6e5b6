/**
 * Detects from the fleet's count that the rollout in force is done. The history records this once per applied revision.
 * People are notified once per course, so that an edit of a text in Git causes no second message. It starts no counts of
 * its own.
 */
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { COMPLETE } from '../domain/history.ts';
import { courseName, lookAtCourse, type RolloutCourse } from '../domain/notice/course.ts';
import type { Notice } from '../domain/notice/notice.ts';
import { noticeOfCompletion } from '../domain/notice/of-change.ts';
import { isComplete, subjectOf } from '../domain/progress.ts';
import { makeTurns } from '../domain/turns.ts';
import type { Counted, HistoryStore, KeyValueStore, OutboxEntry, ProgressSource } from '../ports/index.ts';

const KEY = 'completion.course';

interface CompletionOptions {
  readonly picture: () => Snapshot | undefined;
  readonly progress: Pick<ProgressSource, 'last'>;
  readonly history: Pick<HistoryStore, 'complete'>;
  readonly values: Pick<KeyValueStore, 'get' | 'keep'>;
  readonly nowMs: () => number;
  readonly observe: Observe;
  /** The outbox rows of the notice. They are committed together with the record that the notice was sent. */
  readonly promise: (notice: Notice) => OutboxEntry[];
}

export interface CompletionWatch {
  /** On the very first start, marks the rollout in force as already notified. Called once, before the source is read. */
  begin(): Promise<void>;
  /** Called after each count and after each publish. */
  look(): Promise<void>;
}

export function watchCompletion(options: CompletionOptions): CompletionWatch {
  const { picture, progress, history, values, nowMs, observe, promise } = options;
  /** When the revision that is known to be done was applied, Unix ms. */
  let doneMs: number | undefined;
  let course: RolloutCourse | undefined;

  /** The count that shows the snapshot as done. A count of an earlier revision proves nothing. */
  function doneBy({ appliedAtMs, halts }: Snapshot): Counted | undefined {
    const counted = progress.last();
    if (counted === undefined || counted.picture.appliedAtMs !== appliedAtMs || halts.length > 0)
      return undefined;
    // Uses the exposure at the time of the count. A step entered since has further devices.
    return isComplete(counted.picture, counted.progress, nowMs()) ? counted : undefined;
  }

  async function keepHistory(standing: Snapshot, counted: Counted): Promise<void> {
    const { appliedAtMs, revision } = standing;
    if (doneMs === appliedAtMs) return;
    const { kind, buildId } = subjectOf(standing);
    const { exposed, offered, running } = counted.progress;
    await history.complete(appliedAtMs, {
      atMs: nowMs(),
      actor: 'controller',
      action: COMPLETE,
      subject: buildId,
      detail: { revision, kind, exposed, offered, running },
    });
    doneMs = appliedAtMs;
  }

  async function remembered(): Promise<RolloutCourse | undefined> {
    if (course !== undefined) return course;
    const text = await values.get(KEY);
    course = text === undefined ? undefined : (JSON.parse(text) as RolloutCourse);
    return course;
  }

  async function remember(next: RolloutCourse, outbox: readonly OutboxEntry[]): Promise<void> {
    await values.keep(KEY, JSON.stringify(next), outbox);
    course = next;
  }

  async function tell(standing: Snapshot, counted: Counted | undefined): Promise<void> {
    const looked = lookAtCourse(await remembered(), courseName(standing), counted !== undefined);
    if (looked === undefined) return;
    if (!looked.tell || counted === undefined) return remember(looked.keep, []);
    const notice = noticeOfCompletion(standing, counted.progress);
    await remember(looked.keep, promise(notice));
    const { revision, build, percent, running, offered } = notice;
    observe({ type: 'ota.rollout.completed', revision, buildId: build.buildId, percent, running, offered });
  }

  const inTurn = makeTurns();
  return {
    begin: () =>
      inTurn(async () => {
        const standing = picture();
        if (standing === undefined || (await remembered()) !== undefined) return;
        await remember({ name: courseName(standing), told: true }, []);
      }),
    look: () =>
      inTurn(async () => {
        const standing = picture();
        if (standing === undefined) return;
        const counted = doneBy(standing);
        if (counted !== undefined) await keepHistory(standing, counted);
        await tell(standing, counted);
      }),
  };
}
