/** Device routes besides checks and downloads (SPEC §5): results, push tokens, and token renewal. */

import type { ActionResult, Credentials } from '../../../schemas/api.d.ts';
import { DAY_MS } from '../../domain/duration.ts';
import type { Event } from '../../domain/event.ts';
import { nudgeKey } from '../../domain/nudge/message.ts';
import { beginsRepeating, REPEATED_INSTALLS, type Recorded, recordedOf } from '../../domain/outcome.ts';
import { NO_END_MS, type Report } from '../../ports/index.ts';
import { readChecked } from '../body.ts';
import { findOrCatchUp } from '../catch-up.ts';
import type { Contract } from '../contract.ts';
import type { DeviceTokens } from '../device-token.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import type { Route, RouteBuilder } from '../route.ts';

/** How long the old token works when an operator rotates and the new one is never used (SPEC §6). */
export const TOKEN_GRACE_MS = 14 * DAY_MS;

const reportOf = (deviceId: string, result: ActionResult, recorded: Recorded, atMs: number): Report => ({
  deviceId,
  requestId: result.request_id,
  buildId: result.build_id,
  outcome: recorded.outcome,
  reason: recorded.reason,
  detail: [recorded.note, result.detail].filter(text => text !== undefined).join('; ') || undefined,
  versionCode: result.version_code,
  timingsMs: result.timings_ms,
  atMs,
});

function repeatedOf(deviceId: string, buildId: string, installsMs: readonly number[]): Event {
  const { installs } = REPEATED_INSTALLS;
  const withinMs = (installsMs[0] ?? 0) - (installsMs[installs - 1] ?? 0);
  return { type: 'ota.install.repeated', deviceId, buildId, installs, withinMs };
}

/** A token and the nudge key of its generation. They are shown once and never stored. */
export const credentials = (
  http: Http,
  tokens: DeviceTokens,
  deviceId: string,
  generation: number,
): Credentials => ({
  device_id: deviceId,
  token: tokens.mint(deviceId, generation),
  nudge_key: nudgeKey(http.nudgeMaster, deviceId, generation).toString('base64'),
  generation,
});

export function agentRoutes(
  http: Http,
  builder: RouteBuilder,
  contract: Contract,
  tokens: DeviceTokens,
): Route[] {
  const { settings, observe, knownBuild } = http;
  const { devices, outcomes, clock, feed, picture } = http.ports;

  return [
    builder.device('POST', '/v1/action-result', async (ctx, { deviceId }) => {
      const result = await readChecked(ctx, contract, 'ActionResult', settings.jsonMaxBytes);
      const isKnown = (): true | undefined => (knownBuild(result.build_id) ? true : undefined);
      if ((await findOrCatchUp(feed, isKnown)) === undefined)
        throw new Refusal('build_unknown', 'no such build');
      const versionCode = result.version_code;
      const known = picture.snapshot?.state.builds.get(result.build_id)?.versionCode;
      const recorded = recordedOf({ ...result, versionCode }, known);
      const report = reportOf(deviceId, result, recorded, clock.nowMs());
      const { verdict, first, installsMs } = await outcomes.report(report);
      if (verdict === 'conflict')
        throw new Refusal(
          'result_conflict',
          'a different final outcome was already reported for this attempt',
        );
      const { requestId, buildId, outcome, reason } = report;
      const repeated = verdict === 'repeated';
      const told = { deviceId, requestId, buildId, outcome, reason, versionCode, repeated, first };
      observe({ type: 'ota.result', ...told });
      if (beginsRepeating(installsMs)) observe(repeatedOf(deviceId, buildId, installsMs));
      ctx.set('Ota-Request-Id', requestId);
      // An agent in the field never sends a result again after a 400, so a contradictory result is answered like any
      // other.
      ctx.body = { request_id: requestId, build_id: buildId, outcome: result.outcome, repeated };
    }),

    builder.device('PUT', '/v1/agent/push-token', async (ctx, { deviceId }) => {
      const { fcm_token } = await readChecked(ctx, contract, 'PushToken', settings.jsonMaxBytes);
      await devices.setPushToken(deviceId, fcm_token);
      ctx.status = 204;
    }),

    // A repeated request gets the same generation again, and the old token works until the new one is used. So a device
    // is not locked out by a lost answer or by a month in a drawer.
    builder.device('POST', '/v1/agent/token', async (ctx, { deviceId }) => {
      const generation = await devices.rotate(deviceId, NO_END_MS);
      if (generation === undefined) throw new Refusal('token_revoked', 'this device was revoked');
      ctx.set('Cache-Control', 'no-store');
      ctx.body = credentials(http, tokens, deviceId, generation);
    }),
  ];
}
