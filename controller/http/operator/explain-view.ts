/** Parts of an explanation in answers to operators. */
import type * as Api from '../../../schemas/api.d.ts';
import type { Decision } from '../../domain/decision.ts';
import type { DownloadEvent, Report } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';

export const decisionOnWire = (decision: Decision): Api.Decision =>
  decision.kind === 'hold'
    ? { kind: 'hold', reason: decision.reason }
    : {
        kind: 'offer',
        build_id: decision.build.buildId,
        eligible_by: decision.eligibleBy,
        force_downgrade: decision.forceDowngrade,
        must_install: decision.mustInstall,
        staged_rollout_percent: decision.stagedRolloutPercent,
      };

export const reportOnWire = (report: Report): Api.ReportRow => ({
  at: isoTime(report.atMs),
  request_id: report.requestId,
  build_id: report.buildId,
  outcome: report.outcome,
  reason: report.reason,
  detail: report.detail ?? null,
  version_code: report.versionCode,
  timings_ms: report.timingsMs ?? null,
});

export const downloadOnWire = (event: DownloadEvent): Api.DownloadRow => ({
  at: isoTime(event.atMs),
  request_id: event.requestId ?? null,
  build_id: event.buildId,
  result: event.result,
  status: event.status,
  bytes: event.bytes,
});
