/** `GET /v1/devices`: the fleet, filtered by what devices reported last. */
import type { Context } from 'koa';
import type * as Api from '../../../schemas/api.d.ts';
import type { Snapshot } from '../../domain/decision.ts';
import { isDeviceId, isName } from '../../domain/ids.ts';
import { RECORDED_OUTCOMES, RESULT_REASONS } from '../../domain/outcome.ts';
import type { DeviceFilter } from '../../ports/index.ts';
import type { Http } from '../options.ts';
import type { Route, RouteBuilder } from '../route.ts';
import { buildAsked, givenBuild, versionOf } from './build-query.ts';
import { deviceOnWire } from './device-routes.ts';
import { oneOfQuery, pageOf, queryOf, wholeQuery } from './page.ts';

const MAX_S = 10 * 365 * 86_400;

/** With an outcome or a reason, the build is the attempted one, else the running one. */
function filterOf(ctx: Context, snapshot: Snapshot | undefined, nowMs: number): DeviceFilter {
  const outcome = oneOfQuery(ctx, 'outcome', RECORDED_OUTCOMES);
  const reason = oneOfQuery(ctx, 'reason', RESULT_REASONS);
  const attempted = outcome !== undefined || reason !== undefined;
  const running = attempted ? undefined : givenBuild(ctx);
  const ago = (seconds: number | undefined) => (seconds === undefined ? undefined : nowMs - seconds * 1000);
  const revoked = oneOfQuery(ctx, 'revoked', ['true', 'false']);
  return {
    // A prefix has the same characters as an id.
    prefix: queryOf(ctx, 'prefix', 'the first characters of a device id', text =>
      isDeviceId(text) ? text : undefined,
    ),
    tag: queryOf(ctx, 'tag', 'lower-case letters, digits, . _ -', text => (isName(text) ? text : undefined)),
    build:
      running === undefined ? undefined : { buildId: running, versionCode: versionOf(snapshot, running) },
    attempt: attempted ? { buildId: buildAsked(ctx, snapshot), outcome, reason } : undefined,
    seenSinceMs: ago(wholeQuery(ctx, 'seen_within_s', 1, MAX_S)),
    notSeenSinceMs: ago(wholeQuery(ctx, 'not_seen_for_s', 1, MAX_S)),
    revoked: revoked === undefined ? undefined : revoked === 'true',
  };
}

export function deviceListRoute(http: Http, builder: RouteBuilder): Route {
  const { devices, picture, clock } = http.ports;
  return builder.admin('GET', '/v1/devices', 'read', async ctx => {
    const { after, limit } = pageOf(ctx, 'after', isDeviceId);
    const filter = filterOf(ctx, picture.snapshot, clock.nowMs());
    const { rows, next } = await devices.find({ after, limit, filter });
    const list: Api.DeviceList = { devices: rows.map(deviceOnWire), next_after: next ?? null };
    ctx.body = list;
  });
}
