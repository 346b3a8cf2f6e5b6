/** `GET /v1/devices/{id}/explain`: the decision for a device as it last reported, with its history. */

import type { Context } from 'koa';
import type * as Api from '../../../schemas/api.d.ts';
import type { Device } from '../../domain/decision.ts';
import { explain } from '../../domain/explain.ts';
import { REPEATED_INSTALLS } from '../../domain/outcome.ts';
import { parseTime } from '../../domain/time.ts';
import type { DeviceRow } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { param, type Route, type RouteBuilder } from '../route.ts';

import { deviceIdOf, deviceNotFound, deviceOnWire } from './device-routes.ts';
import { decisionOnWire, downloadOnWire, reportOnWire } from './explain-view.ts';
import { queryOf } from './page.ts';
import { pastOnWire } from './past-view.ts';

const HISTORY = 50;

const deviceOf = (row: DeviceRow): Device => ({
  deviceId: row.deviceId,
  tags: row.tags,
  versionCode: row.versionCode ?? 0,
  buildId: row.buildId,
  sdk: row.sdk,
  signer: row.signer,
});

/** Tolerance for clocks that differ a little. */
const AHEAD_MS = 60_000;

/** A past moment in Unix ms; undefined means now. Refusal `query_invalid`. */
function momentOf(ctx: Context, nowMs: number): number | undefined {
  const atMs = queryOf(ctx, 'at', 'a time with its offset, like 2026-12-01T14:00:00Z', parseTime);
  if (atMs !== undefined && atMs > nowMs + AHEAD_MS)
    throw new Refusal('query_invalid', 'at is in the future: ota plan shows what a change leads to');
  return atMs;
}

export function explainRoute(http: Http, builder: RouteBuilder): Route {
  const { picture, clock, devices, outcomes, retrospect } = http.ports;
  return builder.admin('GET', '/v1/devices/:device_id/explain', 'read', async ctx => {
    const deviceId = deviceIdOf(param(ctx, 'device_id'));
    const row = await devices.get(deviceId);
    if (row === undefined) throw deviceNotFound();
    const atMs = momentOf(ctx, clock.nowMs());
    if (atMs !== undefined) {
      ctx.body = pastOnWire(row, await retrospect.at(row, atMs), atMs);
      return;
    }
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
