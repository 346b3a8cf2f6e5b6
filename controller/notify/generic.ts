/** The JSON body for programs, as schemas/notification.schema.json defines it. Its form follows Standard Webhooks. */
import type { DatedNotice, Notice } from '../domain/notice/notice.ts';
import { fit } from './text.ts';

const TEXT_MOST = 2_000;
const NAME_MOST = 200;

/** `from` is the name of this controller. */
export function genericBody({ atMs, notice }: DatedNotice, from: string | undefined): unknown {
  return {
    type: notice.kind === 'test' ? 'notification.test' : `rollout.${notice.kind}`,
    timestamp: new Date(atMs).toISOString(),
    from: from === undefined ? null : fit(from, NAME_MOST),
    data: dataOf(notice),
  };
}

const words = (text: string | undefined): string | null => (text === undefined ? null : fit(text, TEXT_MOST));

function dataOf(notice: Notice): Readonly<Record<string, unknown>> {
  switch (notice.kind) {
    case 'applied':
      return {
        ...rolloutOf(notice),
        previous_build_id: notice.previousBuildId ?? null,
        from_percent: notice.fromPercent,
        to_percent: notice.toPercent,
        final_percent: notice.finalPercent,
        reason: words(notice.reason),
      };
    case 'reverted':
      return {
        ...rolloutOf(notice),
        from_build_id: notice.fromBuildId,
        force_downgrade: notice.forceDowngrade,
        reason: words(notice.reason),
      };
    case 'refused':
      return {
        revision: notice.revision,
        standing_revision: notice.standingRevision ?? null,
        problems: notice.problems.map(p => ({ ...p, file: fit(p.file, TEXT_MOST) })),
        problems_total: notice.problemsTotal,
      };
    case 'halted':
      return { ...rolloutOf(notice), by: notice.by, mode: notice.mode, reason: words(notice.reason) };
    case 'completed':
      return {
        ...rolloutOf(notice),
        course: notice.course,
        percent: notice.percent,
        running: notice.running,
        offered: notice.offered,
      };
    case 'failure_spike':
      return {
        ...rolloutOf(notice),
        failed: notice.failed,
        ended: notice.ended,
        window_s: notice.windowMs / 1_000,
        reasons: notice.reasons,
      };
    case 'test':
      return { by: notice.by };
  }
}

const rolloutOf = ({ revision, build }: Exclude<Notice, { kind: 'refused' | 'test' }>) => ({
  revision,
  build_id: build.buildId,
  version_name: fit(build.versionName, NAME_MOST),
});
