/** What was applied and how it went, and on which devices a build failed (read models of the store, page by page). */
import type { Context } from 'koa';
import type * as Api from '../../../schemas/api.d.ts';
import { appliedOf, eventOf, transitionText } from '../../domain/history.ts';
import { isDeviceId } from '../../domain/ids.ts';
import { RESULT_REASONS } from '../../domain/outcome.ts';
import type { AppliedRevision, Approved, FAILURE_GROUPS, FailureQuery, Merged } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import type { Route, RouteBuilder } from '../route.ts';
import { buildAsked, versionOf } from './build-query.ts';
import { isRowId, oneOfQuery, pageOf, wholeQuery } from './page.ts';

const MAX_VERSION = 2_147_483_647;
const MAX_SDK = 10_000;
const MAX_SINCE_S = 10 * 365 * 86_400;

export function historyRoutes(http: Http, builder: RouteBuilder): Route[] {
  const { picture, clock, history, failures, approvals } = http.ports;

  function failureQuery(ctx: Context): FailureQuery {
    const buildId = buildAsked(ctx, picture.snapshot);
    const sinceS = wholeQuery(ctx, 'since_s', 1, MAX_SINCE_S);
    return {
      buildId,
      versionCode: versionOf(picture.snapshot, buildId),
      sinceMs: sinceS === undefined ? undefined : clock.nowMs() - sinceS * 1000,
      reason: oneOfQuery(ctx, 'reason', RESULT_REASONS),
      sdk: wholeQuery(ctx, 'sdk', 0, MAX_SDK),
      fromVersion: wholeQuery(ctx, 'from_version', 0, MAX_VERSION),
    };
  }

  const onWire = async (row: AppliedRevision): Promise<Api.AppliedRevision> =>
    revisionOnWire(row, await approvals?.merged(row.revision), await approvals?.approved(row.revision));

  return [
    builder.admin('GET', '/v1/history', 'read', async ctx => {
      const { after: before, limit } = pageOf(ctx, 'before', isRowId);
      const rows = await history.list({ beforeId: before === undefined ? undefined : Number(before), limit });
      const list: Api.History = {
        revisions: await Promise.all(rows.map(onWire)),
        next_before: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
      };
      ctx.body = list;
    }),

    builder.admin('GET', '/v1/failures', 'read', async ctx => {
      const query = failureQuery(ctx);
      const group = async (by: (typeof FAILURE_GROUPS)[number]) =>
        (await failures.count(query, by)).map(({ key, ...counts }) => ({ key: key ?? null, ...counts }));
      const by_reason = await group('reason');
      const sum = (of: 'devices' | 'recovered') => by_reason.reduce((total, row) => total + row[of], 0);
      const view: Api.Failures = {
        build_id: query.buildId,
        devices: sum('devices'),
        recovered: sum('recovered'),
        by_reason: by_reason as Api.Failures['by_reason'],
        by_sdk: (await group('sdk')) as Api.Failures['by_sdk'],
        by_from_version: (await group('from_version')) as Api.Failures['by_from_version'],
      };
      ctx.body = view;
    }),

    builder.admin('GET', '/v1/failures/devices', 'read', async ctx => {
      const { after, limit } = pageOf(ctx, 'after', isDeviceId);
      const query = failureQuery(ctx);
      const rows = await failures.devices(query, { after, limit });
      const list: Api.FailedDevices = {
        build_id: query.buildId,
        devices: rows.map(row => ({
          device_id: row.deviceId,
          reason: row.reason,
          detail: row.detail ?? null,
          sdk: row.sdk ?? null,
          from_version: row.fromVersion,
          at: isoTime(row.atMs),
          recovered: row.recovered,
        })),
        next_after: rows.length === limit ? (rows.at(-1)?.deviceId ?? null) : null,
      };
      ctx.body = list;
    }),
  ];
}

function revisionOnWire(
  row: AppliedRevision,
  merged: Merged | undefined,
  approved: Approved | undefined,
): Api.AppliedRevision {
  const applied = appliedOf(row.detail);
  const events = row.events.flatMap(({ action, detail, atMs, actor }) => {
    const event = eventOf(action, detail);
    return event === undefined ? [] : [{ at: isoTime(atMs), by: actor, kind: event.kind, text: event.text }];
  });
  const completed = events.find(e => e.kind === 'completed');
  return {
    id: row.id,
    revision: row.revision,
    applied_at: isoTime(row.appliedAtMs),
    completed_at: completed?.at ?? null,
    replaced_at: isoTime(row.replacedAtMs),
    pull: merged?.pull ?? null,
    merged_by: merged?.by ?? null,
    approved_by: [...(approved?.by ?? [])],
    author: applied.author ?? null,
    subject: applied.subject ?? null,
    current: row.current,
    percent: applied.percent ?? null,
    change: applied.transitions === undefined ? null : (transitionText(applied.transitions) ?? null),
    changes: applied.changes,
    plan_hash: applied.planHash ?? null,
    events,
    events_left_out: row.eventsLeftOut,
  };
}
