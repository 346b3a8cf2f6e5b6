/** Operators' view and management of devices (SPEC §6). Tokens and nudge keys are shown once and never stored. */
import type { Device } from '../../../schemas/api.d.ts';
import { type DeviceId, isDeviceId } from '../../domain/ids.ts';
import type { DeviceRow } from '../../ports/index.ts';
import { credentials, TOKEN_GRACE_MS } from '../agent/routes.ts';
import { readChecked, readJson } from '../body.ts';
import type { Contract } from '../contract.ts';
import type { DeviceTokens } from '../device-token.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { param, type Route, type RouteBuilder } from '../route.ts';
import { audited } from './audited.ts';

export const deviceOnWire = (row: DeviceRow): Device => ({
  device_id: row.deviceId,
  tags: [...row.tags],
  generation: row.generation,
  enrolled_at: isoTime(row.enrolledAtMs),
  revoked_at: isoTime(row.revokedAtMs),
  last_seen_at: isoTime(row.lastSeenMs),
  version_code: row.versionCode ?? null,
  build_id: row.buildId ?? null,
  sdk: row.sdk ?? null,
  signer: row.signer ?? null,
  has_push_token: row.hasPushToken,
});

/** `.` and `..` are legal ids, but clients resolve them as folders, so they may be encoded twice: `%252E`. */
export const deviceIdOf = (text: string): DeviceId => {
  const id = /^(%2E){1,2}$/i.test(text) ? '.'.repeat(text.length / 3) : text;
  if (!isDeviceId(id)) throw new Refusal('path_invalid', 'a device id matches [A-Za-z0-9._:-]{1,64}');
  return id;
};

export const deviceNotFound = (): Refusal => new Refusal('device_not_found', 'this device is not enrolled');

/** Enrol, rotate and import all name this one way back. */
const deviceRevoked = (): Refusal =>
  new Refusal(
    'device_revoked',
    'this device was revoked; to let it in again with a new token, rotate it with readmit (ota device rotate ID --readmit)',
  );

const deviceExists = (): Refusal =>
  new Refusal('device_exists', 'this device is already enrolled; rotate its token to get a new one');

export function deviceRoutes(
  http: Http,
  builder: RouteBuilder,
  contract: Contract,
  tokens: DeviceTokens,
): Route[] {
  const { jsonMaxBytes } = http.settings;
  const { devices, clock } = http.ports;

  return [
    builder.admin('POST', '/v1/devices', 'devices', async (ctx, admin) => {
      const given = await readChecked(ctx, contract, 'EnrolRequest', jsonMaxBytes);
      const { device_id: deviceId, tags = [] } = given;
      const known = devices.auth(deviceId);
      if (known !== undefined) throw known.revoked ? deviceRevoked() : deviceExists();
      const [enrolled] = await devices.enrol([{ deviceId, tags }], clock.nowMs(), tokens.kid);
      // When two requests run at the same time, the second must not learn the first one's token.
      if (enrolled === undefined || !enrolled.created) throw deviceExists();
      await audited(http, admin, 'device.enrol', deviceId, { tags });
      ctx.status = 201;
      ctx.set('Cache-Control', 'no-store');
      ctx.body = { ...credentials(http, tokens, deviceId, enrolled.generation), tags };
    }),

    builder.admin('GET', '/v1/devices/:device_id', 'read', async ctx => {
      const row = await devices.get(deviceIdOf(param(ctx, 'device_id')));
      if (row === undefined) throw deviceNotFound();
      ctx.body = deviceOnWire(row);
    }),

    builder.admin('PUT', '/v1/devices/:device_id/tags', 'devices', async (ctx, admin) => {
      const deviceId = deviceIdOf(param(ctx, 'device_id'));
      const { tags } = await readChecked(ctx, contract, 'TagsRequest', jsonMaxBytes);
      if (!(await devices.setTags(deviceId, tags, `admin:${admin.name}`))) throw deviceNotFound();
      await audited(http, admin, 'device.tags', deviceId, { tags });
      ctx.body = { device_id: deviceId, tags };
    }),

    builder.admin('POST', '/v1/devices/:device_id/rotate', 'devices', async (ctx, admin) => {
      const deviceId = deviceIdOf(param(ctx, 'device_id'));
      const given = (await readJson(ctx, jsonMaxBytes, true)) ?? {};
      const { grace_s, readmit = false } = contract.check('RotateRequest', given);
      if (readmit && devices.auth(deviceId)?.revoked === true) {
        const generation = await devices.readmit(deviceId);
        if (generation === undefined) throw deviceNotFound();
        await audited(http, admin, 'device.readmit', deviceId, { generation });
        ctx.set('Cache-Control', 'no-store');
        ctx.body = credentials(http, tokens, deviceId, generation);
        return;
      }
      const graceMs = grace_s === undefined ? TOKEN_GRACE_MS : grace_s * 1000;
      const generation = await devices.rotate(deviceId, graceMs === 0 ? 0 : clock.nowMs() + graceMs);
      if (generation === undefined)
        throw devices.auth(deviceId) === undefined ? deviceNotFound() : deviceRevoked();
      await audited(http, admin, 'device.rotate', deviceId, { generation, grace_s: graceMs / 1000 });
      ctx.set('Cache-Control', 'no-store');
      ctx.body = credentials(http, tokens, deviceId, generation);
    }),

    builder.admin('POST', '/v1/devices/:device_id/revoke', 'devices', async (ctx, admin) => {
      const deviceId = deviceIdOf(param(ctx, 'device_id'));
      if (!(await devices.revoke(deviceId, clock.nowMs()))) throw deviceNotFound();
      await audited(http, admin, 'device.revoke', deviceId);
      ctx.status = 204;
    }),

    builder.admin('DELETE', '/v1/devices/:device_id', 'devices', async (ctx, admin) => {
      const deviceId = deviceIdOf(param(ctx, 'device_id'));
      if (!(await devices.erase(deviceId))) throw deviceNotFound();
      await audited(http, admin, 'device.delete', deviceId);
      ctx.status = 204;
    }),
  ];
}
