/** Admin tokens (SPEC §6): named, scoped, expiring, stored only as SHA-256. */
import type { AdminToken as TokenView } from '../../../schemas/api.d.ts';
import type { AdminToken } from '../../ports/index.ts';
import { tokenHash } from '../auth.ts';
import { readChecked } from '../body.ts';
import type { Contract } from '../contract.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { param, type Route, type RouteBuilder } from '../route.ts';
import { audited } from './audited.ts';
import { isConfirmed, notConfirmed } from './confirmation.ts';

/** `ota_admin_` and 32 random bytes. Only the hash may be stored. */
export function newAdminToken(randomBytes: (size: number) => Buffer): { token: string; sha256: string } {
  const token = `ota_admin_${randomBytes(32).toString('base64url')}`;
  return { token, sha256: tokenHash(token) };
}

const onWire = (token: AdminToken): TokenView => ({
  name: token.name,
  scopes: [...token.scopes],
  expires_at: isoTime(token.expiresAtMs),
  revoked_at: isoTime(token.revokedAtMs),
});

/** Refusal `confirmation_needed` if revoking the token locks out the caller, or everybody. */
function needSafe(name: string, asking: AdminToken, all: readonly AdminToken[], nowMs: number): void {
  const valid = all.filter(token => token.revokedAtMs === undefined && token.expiresAtMs > nowMs);
  if (!valid.some(token => token.name === name)) return;
  if (!valid.some(token => token.name !== name && token.scopes.includes('admin')))
    throw notConfirmed(
      `${name} is the last valid admin token: without it nobody can create another, until the controller is restarted`,
    );
  if (name === asking.name) throw notConfirmed(`${name} is the token that you are using`);
}

export function tokenRoutes(http: Http, builder: RouteBuilder, contract: Contract): Route[] {
  const { admins, clock } = http.ports;

  return [
    builder.admin('POST', '/v1/admin-tokens', 'admin', async (ctx, admin) => {
      const given = await readChecked(ctx, contract, 'AdminTokenRequest', http.settings.jsonMaxBytes);
      const { token, sha256 } = newAdminToken(http.randomBytes);
      const created = {
        name: given.name,
        scopes: given.scopes,
        expiresAtMs: clock.nowMs() + given.expires_in_s * 1000,
      };
      await admins.create(created, sha256);
      const { expires_at } = onWire({ ...created, revokedAtMs: undefined });
      await audited(http, admin, 'token.create', given.name, { scopes: given.scopes, expires_at });
      ctx.status = 201;
      ctx.set('Cache-Control', 'no-store');
      ctx.body = { name: given.name, scopes: given.scopes, expires_at, token };
    }),

    builder.admin('GET', '/v1/admin-tokens', 'admin', async ctx => {
      ctx.body = { tokens: (await admins.list()).map(onWire) };
    }),

    builder.admin('DELETE', '/v1/admin-tokens/:name', 'admin', async (ctx, admin) => {
      const name = param(ctx, 'name');
      if (!isConfirmed(ctx)) needSafe(name, admin, await admins.list(), clock.nowMs());
      if (!(await admins.revoke(name, clock.nowMs())))
        throw new Refusal('token_not_found', 'there is no valid token with this name');
      await audited(http, admin, 'token.revoke', name);
      ctx.status = 204;
    }),
  ];
}
