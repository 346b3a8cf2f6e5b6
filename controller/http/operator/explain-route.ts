/** `GET /v1/devices/{id}/explain`: the decision for a device as it last reported, with its history. */
import type * as Api from '../../../schemas/api.d.ts';
import type { Decision, Device } from '../../domain/decision.ts';
import { explain } from '../../domain/explain.ts';
import { REPEATED_INSTALLS } from '../../domain/outcome.ts';
import type { DeviceRow, DownloadEvent, Report } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { type Doors, param, type Route } from '../route.ts';

import { deviceIdOf, deviceNotFound, deviceOnWire } from './device-routes.ts';

const HISTORY = 50;

const deviceOf = (row: DeviceRow): Device => ({
  deviceId: row.deviceId,
  tags: row.tags,
  versionCode: row.versionCode ?? 0,
  buildId: row.buildId,
  sdk: row.sdk,
  signer: row.signer,
});

const decisionOnWire = (decision: Decision): Api.Decision =>
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

const reportOnWire = (report: Report): Api.ReportRow => ({
  at: isoTime(report.atMs),
  request_id: report.requestId,
  build_id: report.buildId,
  outcome: report.outcome,
  reason: report.reason,
  detail: report.detail ?? null,
  version_code: report.versionCode,
  timings_ms: report.timingsMs ?? null,
});

const downloadOnWire = (event: DownloadEvent): Api.DownloadRow => ({
  at: isoTime(event.atMs),
  request_id: event.requestId ?? null,
  build_id: event.buildId,
  result: event.result,
  status: event.status,
  bytes: event.bytes,
});

export function explainRoute(http: Http, doors: Doors): Route {
  const { picture, clock, devices, outcomes } = http.ports;
  return doors.admin('GET', '/v1/devices/:device_id/explain', 'read', async ctx => {
    const deviceId = deviceIdOf(param(ctx, 'device_id'));
    const row = await devices.get(deviceId);
    if (row === undefined) throw deviceNotFound();
    const { snapshot } = picture;
    if (snapshot === undefined)
      throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 10 });
    const { bucket, threshold, percent, canary, decision, steps } = explain(
      snapshot,
      deviceOf(row),
      clock.nowMs(),
    );
    const history = await outcomes.history(deviceId, HISTORY);
    const repeated = await outcomes.repeatedInstalls(deviceId, clock.nowMs() - REPEATED_INSTALLS.withinMs);
    const explanation: Api.Explanation = {
      device: deviceOnWire(row),
      revision: snapshot.revision,
      decision: decisionOnWire(decision),
      bucket,
      threshold,
      percent,
      canary,
      steps: [...steps],
      repeated_installs: repeated.map(r => ({
        build_id: r.buildId,
        installs: r.installs,
        since: isoTime(r.firstAtMs),
      })),
      reports: history.reports.map(reportOnWire),
      downloads: history.downloads.map(downloadOnWire),
    };
    ctx.body = explanation;
  });
}
